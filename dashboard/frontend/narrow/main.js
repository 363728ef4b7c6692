// Tells Python whether the window is as narrow as a phone's, where that is not what Python thinks.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { NarrowData, State } from "./types.d.ts" */

const NARROW = "(max-width: 640px)"

/** @param {Component<NarrowData, State>} component */
export default function ({ data, setStateValue }) {
  const query = matchMedia(NARROW)
  const tell = () => {
    if (query.matches !== data.narrow) setStateValue("narrow", query.matches)
  }
  tell()
  query.addEventListener("change", tell)
  return () => query.removeEventListener("change", tell)
}
