// The camera: one stream at a time, which ends when it is closed.

/** @typedef {"insecure" | "refused" | "absent" | "taken" | "ended"} Reason names a text */

/** @type {Record<string, Reason>} by the name of getUserMedia's error */
const REASONS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
}

export class Stream {
  /** @type {MediaStream | null} */
  #media = null
  /** @type {string[]} */
  #cameras = []
  /** @type {string | undefined} */
  #chosen
  #isClosed = false
  #video
  #told

  /**
   * @param {HTMLVideoElement} video that shows it
   * @param {(reason: Reason | null) => void} told null: it runs
   */
  constructor(video, told) {
    this.#video = video
    this.#told = told
  }

  get hasOthers() {
    return this.#cameras.length > 1
  }

  async open() {
    this.#end()
    if (!navigator.mediaDevices) return this.#told("insecure")
    const camera = this.#chosen
      ? { deviceId: { exact: this.#chosen } }
      : { facingMode: "environment" } // of a phone: what it looks at, not who
    try {
      const media = await navigator.mediaDevices.getUserMedia({
        video: { ...camera, width: { ideal: 1280 }, height: { ideal: 720 } },
      })
      this.#media = media
      if (this.#isClosed) return this.#end()
      for (const track of media.getTracks())
        track.addEventListener("ended", () => this.#told("ended"))
      this.#video.srcObject = media
      const devices = await navigator.mediaDevices.enumerateDevices()
      const cameras = devices.filter((device) => device.kind === "videoinput")
      this.#cameras = cameras.map((device) => device.deviceId)
      this.#told(null)
    } catch (error) {
      this.#told(REASONS[/** @type {Error} */ (error).name] ?? "taken")
    }
  }

  async openOther() {
    const used = this.#media?.getVideoTracks()[0].getSettings().deviceId ?? ""
    this.#chosen = this.#cameras[(this.#cameras.indexOf(used) + 1) % this.#cameras.length]
    await this.open()
  }

  close() {
    this.#isClosed = true
    this.#end()
  }

  #end() {
    for (const track of this.#media?.getTracks() ?? []) track.stop()
    this.#media = null
    this.#video.srcObject = null
  }
}
