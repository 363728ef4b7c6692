// A slider in the visitor's hand: it moves many times until it is let go.

export class Hand {
  /** whether it is moved and not let go yet */
  isBusy = false
  /** a held key moves it many times */
  #isKeyDown = false
  #released

  /**
   * @param {HTMLInputElement} slider
   * @param {(value: number) => void} moved
   * @param {() => void} released after a move
   */
  constructor(slider, moved, released) {
    this.#released = released
    slider.addEventListener("input", () => {
      this.isBusy = true
      moved(Number(slider.value))
    })
    slider.addEventListener("keydown", () => (this.#isKeyDown = true))
    slider.addEventListener("change", () => this.#release())
    for (const name of ["keyup", "blur"])
      slider.addEventListener(name, () => {
        this.#isKeyDown = false
        this.#release()
      })
    // Dragged away and back there is no change event. Else it comes after this one.
    for (const name of ["pointerup", "pointercancel"])
      slider.addEventListener(name, () => setTimeout(() => this.#release()))
  }

  #release() {
    if (this.#isKeyDown || !this.isBusy) return
    this.isBusy = false
    this.#released()
  }
}
