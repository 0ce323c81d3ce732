import Networks
import Torch

/// The last pictures that a generator made, of which its discriminator also sees older ones, so that the two don't
/// chase each other in circles (Shrivastava et al. 2017, section 2.3).
///
/// Its pictures are part of a checkpoint: a run that is resumed goes on exactly.
public final class PicturePool: Module {
  /// [capacity, C, H, W].
  let pictures: Tensor
  /// How many it holds, [1].
  let filled: Tensor

  public init(capacity: Int, channels: Int, size: Int) {
    pictures = Tensor.zeros([capacity, channels, size, size])
    filled = Tensor([0])
  }

  /// Gives back each new picture or, half of the time once the pool is full, one from the pool that the new one
  /// replaces.
  ///
  /// - Parameter new: [N, C, H, W], cut from the graph.
  public func exchanged(_ new: Tensor, noise: inout Noise) -> Tensor {
    let capacity = pictures.size(0)
    guard capacity > 0 else { return new }
    return withoutGradients {
      var held = Int(filled.item())
      let given = (0..<new.size(0)).map { i -> Tensor in
        let picture = new[i..<i + 1]
        if held < capacity {
          pictures.setSlice(from: held, to: picture)
          held += 1
          return picture
        }
        guard noise.bernoulli(0.5, [1]).bools[0] else { return picture }
        let place = noise.integers(below: capacity, count: 1)[0]
        let old = pictures[place..<place + 1].cloned()
        pictures.setSlice(from: place, to: picture)
        return old
      }
      filled.fill(Double(held))
      return Tensor.concatenated(given)
    }
  }
}
