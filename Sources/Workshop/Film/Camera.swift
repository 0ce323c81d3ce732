import Foundation
import Media
import Torch

/// Pictures at another size, seen by a camera that moves over them.
struct Camera {
  let width: Int, height: Int
  /// Enlarge by whole squares, as pixel art wants it.
  let keepsPixels: Bool

  /// - Parameters:
  ///   - picture: [C, H, W] in -1...1; of four channels the last is alpha.
  ///   - zoom: 1 for the whole picture.
  ///   - x, y: parts of the width and height to the right and down.
  ///   - turn: degrees clockwise.
  /// - Returns: [C, height, width] in -1...1.
  func view(_ picture: Tensor, zoom: Double = 1, x: Double = 0, y: Double = 0, turn: Double = 0) -> Tensor {
    var p = picture.unsqueezed(0).to(.float32)
    let hasAlpha = picture.size(0) == 4
    // What can't be seen must not bleed in: colours count by their alpha.
    if hasAlpha {
      let alpha = (p.narrowed(dim: 1, from: 3, count: 1) + 1) / 2
      p = Tensor.concatenated([(p.narrowed(dim: 1, from: 0, count: 3) + 1) / 2 * alpha, alpha], dim: 1)
    }
    let isStill = zoom == 1 && x == 0 && y == 0 && turn == 0
    if [p.size(2), p.size(3)] != [height, width] {
      let isSmaller = height < p.size(2)
      p = interpolate(
        p, size: [height, width], mode: keepsPixels ? .nearest : .bicubic, antialias: isSmaller && !keepsPixels)
    }
    if !isStill {
      let angle = turn * .pi / 180
      let (c, s) = (cos(angle) / zoom, sin(angle) / zoom)
      let ratio = Double(height) / Double(width)
      // Where each pixel of the view comes from, in -1...1 of each side.
      let theta = Tensor(
        [c, s * ratio, 2 * x, -s / ratio, c, 2 * y].map(Float.init), shape: [1, 2, 3])
      let grid = affineGrid(theta, size: [1, p.size(1), height, width])
      p = gridSample(p, grid, mode: keepsPixels ? .nearest : .bicubic, padding: hasAlpha ? .zeros : .reflection)
    }
    guard hasAlpha else { return clamp(p[0], min: -1, max: 1) }
    let alpha = clamp(p.narrowed(dim: 1, from: 3, count: 1), min: 0, max: 1)
    let pixels = Tensor.concatenated([p.narrowed(dim: 1, from: 0, count: 3), alpha], dim: 1)
    return (dividedByAlpha(pixels) * 2 - 1)[0]
  }
}
