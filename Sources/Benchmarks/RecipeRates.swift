import Models
import Networks
import Torch
import Training

extension Rate {
  /// Training steps of recipes as they come, of random pictures and weights.
  static let recipes: [String: Rate] = [
    "stylegan2": training(StyleGAN2Recipe.self, windows: 5, of: 16, peers: [tuned("stylegan2_torch.py")]),
    "projected": training(ProjectedRecipe.self, windows: 5, of: 8, peers: [tuned("projected_torch.py")]),
    "vae": training(VAERecipe.self, windows: 5, of: 8, peers: [tuned("vae_torch.py")]),
    "diffusion": training(DiffusionRecipe.self, windows: 5, of: 8, peers: [tuned("diffusion_torch.py")]),
    "denoising": Rate(
      unit: "pictures/s",
      variants: [
        Variant(name: "16 pictures of diffusion, 20 steps, 32 px", peers: [tuned("diffusion_torch.py", "sample")])
      ]
    ) { _ in
      let recipe: DiffusionRecipe = made(DiffusionSettings())
      return Work(windows: 5, of: 1, per: 16) { i in
        _ = recipe.model.sample(seeds: (0..<16).map { UInt64(16 * i + $0) })
      }
    },
  ]

  private static func tuned(_ script: String, _ arguments: String...) -> Peer {
    Peer(name: "PyTorch, tuned", script: script, arguments: arguments)
  }

  /// - Parameters:
  ///   - steps: whole rounds of what is done every few steps.
  ///   - peers: the same steps with the same default settings.
  private static func training<R: Recipe>(_ type: R.Type, windows: Int, of steps: Int, peers: [Peer]) -> Rate {
    let settings = R.Settings()
    let name = "\(R.name), \(settings.size) px, batch \(settings.batch)"
    return Rate(unit: "pictures/s", variants: [Variant(name: name, peers: peers)]) { _ in
      let recipe: R = made(settings), n = settings.batch
      var noise = Noise(seed: 1)
      for needed in R.needs(settings) {
        guard needed.model == "efficientnet-lite0" else { stop("\(R.name) needs \(needed.model).") }
        let network = EfficientNetLite0()
        network.initialize(&noise, as: .fanIn(gain: 1))
        do { try recipe.take(needed, weights: network.savedTensors) } catch { stop("\(error)") }
      }
      let shape = [n, settings.channels] + settings.size.shape
      let batch = Batch(pictures: noise.uniform(shape, from: -1, to: 1).channelsLast(), indices: [])
      return Work(windows: windows, of: steps, per: Double(n)) { i in
        _ = recipe.step(batch, noise: &noise, at: Progress(picturesSeen: n * i, fraction: 0, totalPictures: 1_000_000))
      }
    }
  }
}
