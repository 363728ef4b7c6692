// A value that both sides may set. What Python says is taken when it changed there; it is not when
// it is only the echo of what was sent, for by then the visitor may be further.

/** @template T */
export class Shared {
  /** @type {T} */
  value
  /** @type {string | undefined} what Python said last, as JSON */
  #python
  /** @type {string[]} what Python was sent and has not said since, as JSON */
  #sent = []

  /** @param {T} start what stands until Python has said something */
  constructor(start) {
    this.value = start
  }

  /**
   * Whether the value is now another than before.
   *
   * @param {T} value
   * @param {boolean} [busy] the visitor is just setting it: what Python says comes too late
   */
  takeFromPython(value, busy = false) {
    const text = JSON.stringify(value)
    if (text === this.#python) return false
    this.#python = text
    const echo = this.#sent.indexOf(text)
    if (echo >= 0) {
      this.#sent.splice(0, echo + 1)
      return false
    }
    this.#sent = []
    if (busy) return false
    this.value = value
    return true
  }

  /** Whether Python knows another value, or was sent one. */
  get unsent() {
    return JSON.stringify(this.value) !== (this.#sent.at(-1) ?? this.#python)
  }

  /** The value is on its way to Python. */
  sent() {
    this.#sent.push(JSON.stringify(this.value))
  }
}
