import Models
import Networks
import Torch

extension Rate {
  /// Pictures painted in one pass, of random weights: the network and the colours' transport, without files.
  static let instant = Rate(
    unit: "pictures/s",
    variants: [
      Variant(
        name: "Any style in one pass, 512 × 512 px",
        peers: [
          Peer(name: "PyTorch, float32", script: "instant_torch.py", arguments: ["512"]),
          Peer(name: "PyTorch, tuned", script: "instant_torch.py", arguments: ["512", "tuned"]),
        ])
    ],
    work: { _ in
      var noise = Noise(seed: 0)
      let network = InstantNetwork()
      network.initialize(&noise, as: .fanIn(gain: 1))
      network.setRequiresGradient(false)
      network.useChannelsLast()
      let painter = InstantPainter(network, styles: [(noise.uniform([1, 3, 256, 256]), 1)])
      let picture = noise.uniform([1, 3, 512, 512], from: -1, to: 1)
      return Work(windows: 5, of: 5) { _ in _ = painter(picture) }
    })
}
