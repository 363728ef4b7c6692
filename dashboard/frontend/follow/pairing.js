// Which boxes of two sides are one and the same: as detector/evaluation/pairing.py has it. Pure.

// As of its `Kind`.
export const ANOTHER_CLASS = 0
export const ONLY_A = 1
export const ONLY_B = 2
export const BOTH = 3

/** @typedef {{box: ArrayLike<number>, classId: number}} Found xyxy */

/**
 * The kind of each box of A, and of each box of B.
 *
 * @param {Found[]} a best first
 * @param {Found[]} b
 * @param {number} least IoU of two boxes that are one
 * @returns {[number[], number[]]}
 */
export function kindsOf(a, b, least) {
  /** @type {[number[], number[]]} */
  const kinds = [a.map(() => ONLY_A), b.map(() => ONLY_B)]
  const pairs = a.flatMap((one, i) =>
    b.map((other, j) => ({
      ...{ i, j, iou: iouOf(one.box, other.box) },
      another: one.classId !== other.classId,
    })),
  )
  const order = pairs
    .filter(({ iou }) => iou >= least)
    .sort((p, q) => Number(p.another) - Number(q.another) || q.iou - p.iou) // a stable one
  for (const { i, j, another } of order)
    if (kinds[0][i] === ONLY_A && kinds[1][j] === ONLY_B)
      kinds[0][i] = kinds[1][j] = another ? ANOTHER_CLASS : BOTH
  return kinds
}

/** @type {(a: ArrayLike<number>, b: ArrayLike<number>) => number} */
function iouOf(a, b) {
  if ([0, 1, 2, 3].every((side) => a[side] === b[side])) return 1 // without area too
  const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  if (across <= 0 || down <= 0) return 0
  const [ofA, ofB] = [a, b].map((box) => (box[2] - box[0]) * (box[3] - box[1]))
  return (across * down) / (ofA + ofB - across * down)
}
