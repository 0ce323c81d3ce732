import Media
import Torch

/// Which edges of a picture go on at the opposite one, so that what enlarges it should look there.
struct SeamlessEdges {
  /// Whether the left edge goes on at the right one, and the upper at the lower.
  let across: Bool, down: Bool

  init(_ picture: Picture) {
    guard min(picture.width, picture.height) >= 16 else {
      (across, down) = (false, false)
      return
    }
    let x = picture.premultiplied()[0] * 255
    func goesOn(_ dim: Int) -> Bool {
      let steps = abs(x - x.rolled(by: [1], dims: [dim]))
      func step(_ line: Int) -> Double { steps.narrowed(dim: dim, from: line, count: 1).mean().item() }
      // Beside it, since a picture may be livelier at its edge than elsewhere.
      let others = max(step(1), step(2), step(steps.size(dim) - 1), step(steps.size(dim) - 2))
      // An edge of one colour goes on as it is, whatever is beyond it.
      let first = x.narrowed(dim: dim, from: 0, count: 1)
      guard (first.max() - first.min()).item() > 8 else { return false }
      return step(0) <= 1.5 * others
    }
    (across, down) = (goesOn(2), goesOn(1))
  }

  /// The picture with what lies beyond its edges, and how many pixels were added at each: columns, rows.
  func continued(_ picture: Picture, by margin: Int) -> (picture: Picture, columns: Int, rows: Int) {
    let columns = across ? min(margin, picture.width) : 0, rows = down ? min(margin, picture.height) : 0
    guard columns + rows > 0 else { return (picture, 0, 0) }
    let x = picture.tensor.to(.float32).unsqueezed(0)
    let large = pad(x, [columns, columns, rows, rows], mode: .circular)[0]
    return (Picture((large + 0.5).to(.uint8)), columns, rows)
  }
}
