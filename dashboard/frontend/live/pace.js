// When the next frame goes, and what is known of those that went. All times in ms.

// The dashboard ends a connection that sends more than 20 messages a second (dashboard/flood.py).
export const LEAST = 1000 / 15
export const PATIENCE = 5000
const REST = 3000 // after a failure
const WINDOW = 3000 // that the rate is counted over

export class Pace {
  #number = 0
  #sentAt = -Infinity
  /** the last one was neither answered nor given up */
  #waiting = false
  #restUntil = -Infinity
  /** @type {number[]} when answers came, of the last seconds */
  #answers = []

  /**
   * Whether the newest frame may go.
   *
   * @param {number} now
   */
  isFree(now) {
    return !this.#waiting && now >= this.#sentAt + LEAST && now >= this.#restUntil
  }

  /**
   * A frame goes. Returns its number.
   *
   * @param {number} now
   */
  sent(now) {
    this.#waiting = true
    this.#sentAt = now
    return ++this.#number
  }

  /**
   * When the frame was sent that this is the answer of; null for one that was given up.
   *
   * @param {number} number
   * @param {number} now
   * @param {boolean} isProblem there are no boxes, and the next frame would have none either
   */
  answered(number, now, isProblem) {
    if (!this.#waiting || number !== this.#number) return null
    this.#waiting = false
    if (isProblem) this.#restUntil = now + REST
    else this.#answers.push(now)
    return this.#sentAt
  }

  /**
   * Whether the frame on its way is given up now.
   *
   * @param {number} now
   */
  givesUp(now) {
    if (!this.#waiting || now < this.#sentAt + PATIENCE) return false
    this.#waiting = false
    return true
  }

  /**
   * Frames answered in a second, of late.
   *
   * @param {number} now
   */
  rate(now) {
    this.#answers = this.#answers.filter((at) => at > now - WINDOW)
    const [first] = this.#answers
    if (this.#answers.length < 2) return 0
    return (this.#answers.length - 1) / ((now - first) / 1000)
  }
}
