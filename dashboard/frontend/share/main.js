// The system's own Share sheet, for the image that Python draws when it is asked for. Browsers open
// the sheet shortly after a tap only: where drawing took longer, a second tap does.

/** @import { Component } from "../streamlit.d.ts" */
/** @import { ShareData, State } from "./types.d.ts" */

const TYPE = "image/png"

/** @param {Component<ShareData, State>} component */
export default function ({ parentElement, data, setTriggerValue }) {
  if (!navigator.canShare?.({ files: [new File([], "image.png", { type: TYPE })] })) return
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector(".share"))
  const words = /** @type {HTMLElement} */ (button.querySelector("span"))
  const root = button.getRootNode()
  if (root instanceof ShadowRoot) root.host.toggleAttribute("data-can-share", true)
  /** @type {File | null} */
  let file = null
  /** @param {string} text */
  const say = (text) => {
    words.textContent = data.texts[text]
    button.disabled = text === "drawing"
  }
  const share = async () => {
    try {
      await navigator.share({ files: [/** @type {File} */ (file)] })
    } catch (error) {
      // Else it was closed, and may be tapped again.
      const isTooLate = error instanceof DOMException && error.name === "NotAllowedError"
      return say(isTooLate ? "now" : "share")
    }
    say("share")
  }
  button.onclick = () => {
    if (file) {
      share()
    } else {
      say("drawing")
      setTriggerValue("asked", { at: Date.now() })
    }
  }
  button.inert = false // in the markup: without a name or hands
  say(data.url ? "drawing" : "share")
  if (data.url)
    fetch(data.url)
      .then((answer) => answer.blob())
      .then((drawn) => {
        file = new File([drawn], data.name, { type: TYPE })
        return share()
      })
      .catch(() => say("share"))
}
