import Models
import Networks
import Torch

extension Rate {
  /// Steps of an optimised style transfer, of random pictures and weights.
  static let style = Rate(
    unit: "steps/s",
    variants: [
      Variant(
        name: "Style by optimisation, VGG16, Wasserstein losses, 512 × 384 px",
        peers: [
          Peer(name: "PyTorch, float32", script: "style_torch.py", arguments: ["rate", "512"]),
          Peer(name: "PyTorch, tuned", script: "style_torch.py", arguments: ["rate", "512", "tuned"]),
        ])
    ],
    work: { _ in
      var noise = Noise(seed: 0)
      let network = VGG()
      network.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
      network.setRequiresGradient(false)
      network.useChannelsLast()
      var settings = StyleSettings()
      (settings.size, settings.smallest, settings.firstSteps, settings.strokes) = (512, 512, 1000, 0)
      let pictures = (0..<2).map { _ in noise.uniform([1, 3, 384, 512]) }
      do {
        let work = try StyleOptimization(
          content: pictures[0], regions: [.init(styles: [(pictures[1], 1)])], network: network, settings: settings)
        return Work(windows: 5, of: 3) { _ in _ = work.next() }
      } catch { stop("\(error)") }
    })
}
