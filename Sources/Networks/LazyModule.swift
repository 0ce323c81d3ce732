import Torch

/// A network that makes pictures: its weights are read when it is first used. Until then they stay in their file, mapped,
/// in the file's own precision.
///
/// ```swift
/// let generator = LazyModule(Generator(settings), on: .cpu)
/// try generator.restore(Safetensors.read(path).tensors)   // names and shapes are checked, nothing is read
/// let pictures = generator.module(latents)                // now it is
/// ```
public final class LazyModule<Network: Module>: Saved {
  private let network: Network
  private let device: Device
  private let usesChannelsLast: Bool
  private var waiting: [String: Tensor]?

  /// - Parameters:
  ///   - network: its parameters need no initialisation.
  ///   - usesChannelsLast: as `Module.useChannelsLast`, once the weights are there.
  public init(_ network: Network, on device: Device, usesChannelsLast: Bool = true) {
    (self.network, self.device, self.usesChannelsLast) = (network, device, usesChannelsLast)
  }

  /// The network, ready for use. A recipe that trains it fills it first.
  public var module: Network {
    guard let tensors = waiting else { return network }
    waiting = nil
    withoutGradients {
      for (name, mine) in network.state {
        guard let theirs = tensors[name] else { continue }
        // In the file's own memory where that is as it is needed.
        mine.become(theirs.to(mine.dtype).to(device))
      }
    }
    // Constants aren't in the file.
    network.move(to: device)
    if usesChannelsLast { network.useChannelsLast() }
    network.setRequiresGradient(false)
    network.setTraining(false)
    return network
  }

  public var savedTensors: [String: Tensor] { module.savedTensors }

  public func restore(_ tensors: [String: Tensor]) throws(StateError) {
    try check(tensors, fit: network.state)
    waiting = tensors
  }
}
