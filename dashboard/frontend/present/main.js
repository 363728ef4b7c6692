// The button over the photo that presents it. What is presented outlasts this component, which goes
// and comes while the script draws another image.

import { Presentation } from "./presentation.js"

/** @import { Component } from "../streamlit.d.ts" */
/** @import { PresentData, State } from "./types.d.ts" */

const presentation = new Presentation()

/** @param {Component<PresentData, State>} component */
export default function (component) {
  const { parentElement, data } = component
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector(".present"))
  const words = /** @type {HTMLElement} */ (button.querySelector("span"))
  words.textContent = data.texts.present
  button.title = data.texts.present_title
  button.onclick = () => presentation.open()
  button.inert = false // in the markup: without a name or hands
  presentation.update(component, button)
  return () => presentation.left(button)
}
