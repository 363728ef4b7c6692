// The browser asks before a reload or a closed tab ends the session with what it has worked for.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { LeaveData } from "./types.d.ts" */

/** @param {BeforeUnloadEvent} event */
const ask = (event) => event.preventDefault()

/** @param {Component<LeaveData, {}>} component */
export default function ({ data }) {
  removeEventListener("beforeunload", ask)
  if (data.asks) addEventListener("beforeunload", ask)
  return () => removeEventListener("beforeunload", ask)
}
