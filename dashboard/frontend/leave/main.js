// The browser asks before a reload or a closed tab ends the session with what it has worked for.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { LeaveData } from "./types.d.ts" */

/** @type {Set<ParentNode>} the places in the page that say that there is something to lose */
const asking = new Set()

/** @param {BeforeUnloadEvent} event */
const ask = (event) => event.preventDefault()

/** @param {ParentNode} place @param {boolean} asks */
function set(place, asks) {
  if (asks) asking.add(place)
  else asking.delete(place)
  if (asking.size) addEventListener("beforeunload", ask)
  else removeEventListener("beforeunload", ask)
}

/** @param {Component<LeaveData, {}>} component */
export default function ({ parentElement, data }) {
  set(parentElement, data.asks)
  return () => set(parentElement, false)
}
