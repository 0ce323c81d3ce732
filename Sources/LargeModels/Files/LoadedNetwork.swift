import Networks
import Torch

/// A network whose weights are read from their file when it is used, and can be let go again.
final class LoadedNetwork<Network: Module> {
  private let make: () -> Network
  private let weights: [String: Tensor]
  /// What adapters add, by the weights' names.
  private let changes: [String: (Tensor) -> Tensor]
  private let dtype: DType
  private let device: Device
  private var network: Network?

  /// - Parameters:
  ///   - weights: as they lie in the file; names and shapes were compared before.
  ///   - dtype: that the network computes in.
  ///   - changes: each is given a weight in float32.
  init(
    weights: [String: Tensor], as dtype: DType, on device: Device, changes: [String: (Tensor) -> Tensor] = [:],
    _ make: @escaping () -> Network
  ) {
    (self.make, self.weights, self.changes, self.dtype, self.device) = (make, weights, changes, dtype, device)
  }

  /// The network, ready for use.
  var module: Network {
    if let network { return network }
    let made = make()
    withoutGradients {
      for (name, mine) in made.state {
        guard var theirs = weights[name] else { continue }
        if let change = changes[name] { theirs = change(theirs.to(.float32)) }
        // In memory of its own, aligned as LibTorch aligns it: products of matrices in a file's memory depend, in their last bits, on
        // where in the file they are.
        let placed = theirs.to(dtype).to(device)
        // Pictures are laid out with the channels last; LibTorch's convolutions take such weights as they are. Here, not all at the end: what
        // each leaves is filled by the next.
        let laid = placed.rank == 4 ? placed.channelsLast() : placed.contiguous()
        mine.become(laid === theirs ? laid.cloned() : laid)
        // The system has it in its cache still.
        weights[name]?.forgetMapped()
      }
    }
    made.move(to: device)
    made.useChannelsLast()
    made.setRequiresGradient(false)
    network = made
    return made
  }

  var isLoaded: Bool { network != nil }

  /// Its weights are changed by whoever uses it, and aren't those of the file any more.
  var isChanged = false

  /// Gives the memory back; the next use reads the file again. Keeps what was changed.
  func release() { if !isChanged { network = nil } }
}
