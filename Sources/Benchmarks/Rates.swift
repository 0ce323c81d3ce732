import Models
import Torch
import Training

/// Something of ours that is timed, and what does the same in PyTorch.
struct Rate: Sendable {
  struct Peer: Sendable {
    let name: String
    let script: String
    var arguments: [String] = []
  }
  struct Variant: Sendable {
    let name: String
    var arguments: [String] = []
    let peers: [Peer]
  }
  let unit: String
  let variants: [Variant]
  /// What is timed, made ready in this process.
  let work: @Sendable (Arguments) -> Work

  static let all: [String: Rate] = [
    "dense": Rate(
      unit: "steps/s",
      variants: [
        Variant(
          name: "Dense GAN, 100-784-784-784 and 784-1, batch 32", arguments: ["--hidden", "0"],
          peers: [
            Peer(name: "PyTorch, eager", script: "dense.py", arguments: ["0"]),
            Peer(name: "Keras", script: "dense_keras.py", arguments: ["0"]),
          ]),
        Variant(
          name: "Dense GAN, 100-784-784-784 and 784-784-1, batch 32", arguments: ["--hidden", "784"],
          peers: [
            Peer(name: "PyTorch, eager", script: "dense.py", arguments: ["784"]),
            Peer(name: "Keras", script: "dense_keras.py", arguments: ["784"]),
          ]),
      ], work: dense),
    "dcgan": Rate(
      unit: "pictures/s",
      variants: [
        Variant(
          name: "DCGAN, width 32, 64 px, batch 64",
          peers: [
            Peer(name: "PyTorch, as in a tutorial", script: "dcgan.py", arguments: ["default"]),
            Peer(name: "PyTorch, tuned", script: "dcgan.py", arguments: ["tuned"]),
            Peer(name: "PyTorch, compiled", script: "dcgan.py", arguments: ["compiled"]),
          ])
      ], work: dcgan),
    "r3gan": Rate(
      unit: "pictures/s",
      variants: [64, 32, 16].map { size in
        Variant(
          name: "R3GAN, the preset for a few cores, at \(size) px, batch 8", arguments: ["--size", "\(size)"],
          peers: [Peer(name: "PyTorch, tuned", script: "r3gan_torch.py", arguments: ["\(size)", "8"])])
      }, work: r3gan),
    "generate": Rate(
      unit: "pictures/s",
      variants: [
        Variant(
          name: "64 pictures of 64 px from a DCGAN of width 32",
          peers: [Peer(name: "PyTorch, channels last", script: "generate.py")])
      ], work: generate),
    "style": style,
    "instant": instant,
  ].merging(recipes) { own, _ in own }
}

/// Steps that are alike, each of so many things.
struct Work {
  /// How many windows are timed, each of so many steps.
  let windows: Int, steps: Int
  var things = 1.0
  let step: (Int) -> Void

  init(windows: Int, of steps: Int, per things: Double = 1, _ step: @escaping (Int) -> Void) {
    (self.windows, self.steps, self.things, self.step) = (windows, steps, things, step)
  }

  /// Things a second: the median of the windows, after one that warms up.
  func rate() -> Double {
    Memory.keepFreed()
    var done = 0
    func run() {
      for _ in 0..<steps {
        step(done)
        done += 1
      }
    }
    run()
    return Double(steps) * things / median((0..<windows).map { _ in seconds(run) })
  }

  /// What the operators of one window cost, and how many things it made.
  func costs() -> (operators: [OperatorCost], things: Double) {
    Memory.keepFreed()
    for i in 0..<steps { step(i) }
    let operators = OperatorCosts.watched { for i in steps..<2 * steps { step(i) } }
    return (operators, Double(steps) * things)
  }
}

func made<R: Recipe>(_ settings: R.Settings) -> R {
  var noise = Noise(seed: 0)
  do { return try R(settings, noise: &noise, on: .cpu) } catch { stop(error.sentence) }
}

private func dense(_ arguments: Arguments) -> Work {
  var settings = DenseRecipe.Settings()
  settings.hidden = arguments.number("hidden") ?? settings.hidden
  let recipe: DenseRecipe = made(settings)
  var noise = Noise(seed: 1)
  let pictures = noise.uniform([5000, 1, 28, 28], from: -1, to: 1)
  return Work(windows: 5, of: 100) { i in
    let start = i * 32 % 4960
    let batch = Batch(pictures: pictures[start..<start + 32], indices: [])
    _ = recipe.step(batch, noise: &noise, at: Progress(picturesSeen: 32 * i, fraction: 0, totalPictures: 250_000))
  }
}

private func dcgan(_ arguments: Arguments) -> Work {
  let recipe: DCGANRecipe = made(DCGANRecipe.Settings())
  var noise = Noise(seed: 1)
  let batch = Batch(pictures: noise.normal([64, 3, 64, 64]).channelsLast(), indices: [])
  return Work(windows: 12, of: 1, per: 64) { i in
    _ = recipe.step(batch, noise: &noise, at: Progress(picturesSeen: 64 * i, fraction: 0, totalPictures: 1_000_000))
  }
}

private func r3gan(_ arguments: Arguments) -> Work {
  var settings = R3GANSettings()
  let size = arguments.number("size") ?? settings.side
  // The network of the whole run, at one of its sizes.
  settings.grow = size == settings.side ? [] : size == 32 ? [1] : [1, 1]
  let recipe: R3GANRecipe = made(settings)
  var noise = Noise(seed: 1)
  let n = settings.batch
  let batch = Batch(pictures: noise.normal([n, 3, 64, 64]).channelsLast(), indices: [])
  // A window holds whole rounds of steps with and without penalty.
  return Work(windows: 5, of: 8 * settings.penaltyEvery, per: Double(n)) { i in
    _ = recipe.step(batch, noise: &noise, at: Progress(picturesSeen: n * i, fraction: 0, totalPictures: 1_000_000))
  }
}

private func generate(_ arguments: Arguments) -> Work {
  let recipe: DCGANRecipe = made(DCGANRecipe.Settings())
  return Work(windows: 10, of: 1, per: 64) { i in
    _ = recipe.model.sample(seeds: (0..<64).map { UInt64(64 * i + $0) })
  }
}
