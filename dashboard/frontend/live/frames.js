// Frames of the video as encoded images.

const SIDE = 300 // what the model sees of an image, without keeping its aspect

const [one, other] = [document.createElement("canvas"), document.createElement("canvas")]

/**
 * The frame as the model sees it. It is halved step by step: a browser that is asked for a fifth at
 * once may skip the pixels between.
 *
 * @param {HTMLVideoElement} video
 */
export function shrunk(video) {
  let [width, height] = [video.videoWidth, video.videoHeight]
  /** @type {HTMLVideoElement | HTMLCanvasElement} */
  let from = video
  do {
    /** @type {HTMLCanvasElement} */
    const into = from === one ? other : one
    ;[width, height] = [width, height].map((side) => Math.max(SIDE, Math.ceil(side / 2)))
    drawn(into, from, width, height)
    from = into
  } while (width > SIDE || height > SIDE)
  return encoded(/** @type {HTMLCanvasElement} */ (from), 0.8)
}

/**
 * The frame at full resolution.
 *
 * @param {HTMLVideoElement} video
 */
export function whole(video) {
  drawn(one, video, video.videoWidth, video.videoHeight)
  return encoded(one, 0.95)
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 */
function drawn(canvas, source, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }))
  pen.imageSmoothingQuality = "high"
  pen.drawImage(source, 0, 0, width, height)
}

/**
 * A JPEG in base64.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality
 */
function encoded(canvas, quality) {
  return canvas.toDataURL("image/jpeg", quality).split(",")[1]
}
