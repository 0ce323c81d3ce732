import Media
import Models
import Torch

extension Picture {
  /// float32 [1, 3, H, W] in 0...1. Under what can't be seen at all, the colours around it go on: a file's own there are nobody's
  /// wish, and one colour would show in what is painted along the edge.
  func visibleColours(on device: Device) -> Tensor {
    let all = colours(on: device)
    guard channels == 4 else { return all }
    let alpha = unit(on: device)[3..<4].unsqueezed(0)
    guard alpha.max().item() > 0 else { return Tensor.full(all.shape, 1, on: device) }
    return clamp(Models.colours(all, continuedUnder: alpha), min: 0, max: 1)
  }
}
