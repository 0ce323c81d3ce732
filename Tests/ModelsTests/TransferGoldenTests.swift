import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// CycleGAN, CUT and pix2pix beside PyTorch: Tests/Goldens/transfer.py.
@Suite struct TransferGoldenTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("transfer").tensors
  }

  private func group(_ prefix: String) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = tensor }
    return found
  }

  /// Float32 sums of some thousand products in another order.
  private func expectClose(_ mine: Tensor, _ name: String, tolerance: Double = 2e-5) {
    TestSupport.expectClose(mine, golden[name]!, name, tolerance: tolerance, least: 1e-6, reshapes: true)
  }

  @Test func networksAndTheGradientOfThePictureAreTheSame() throws {
    let networks: [(String, any Module, (Tensor) -> Tensor)] = [
      {
        let n = ResnetGenerator(ResnetShape(width: 3, blocks: 2)); return ("plain", n, { n($0) })
      }(),
      {
        let n = ResnetGenerator(ResnetShape(width: 3, blocks: 2, isSmooth: true)); return ("smooth", n, { n($0) })
      }(),
      {
        let n = ResnetGenerator(ResnetShape(width: 3, blocks: 2, isAffine: true)); return ("affine", n, { n($0) })
      }(),
      {
        let n = UnetGenerator(channels: 3, width: 2, depth: 4); return ("unet", n, { n($0) })
      }(),
      {
        let n = PatchDiscriminator(channels: 3, width: 2); return ("patches", n, { n($0) })
      }(),
      {
        let n = PatchDiscriminator(channels: 3, width: 2, isSmooth: true)
        return ("smooth patches", n, { n($0) })
      }(),
    ]
    for (name, network, run) in networks {
      // Every name, none missing and none too many.
      try network.load(group("\(name)/state/"))
      let x = golden["\(name)/in"]!.requiringGradient()
      let y = run(x)
      expectClose(y, "\(name)/out")
      let seed = Tensor.linspace(from: 0.5, to: 1.5, count: y.count).reshaped(y.shape)
      // Instance normalisation divides by small deviations: a few digits go.
      expectClose(gradients(of: y, withRespectTo: [x], seed: seed)[0], "\(name)/gradient", tolerance: 1e-4)
    }
  }

  @Test func lossesAndTheirGradientsAreTheSame() {
    let queries = golden["queries"]!.requiringGradient()
    let value = patchContrast(queries, golden["keys"]!)
    expectClose(value, "contrast")
    expectClose(gradients(of: value, withRespectTo: [queries])[0], "contrast/gradient")
    let losses: [(String, (Tensor) -> Tensor)] = [
      ("squares", { leastSquaresLoss($0, toward: 1) }),
      ("cycle", { cycleLoss(golden["keys"]!.narrowed(dim: 2, from: 0, count: 4), $0) }),
      ("cycle", { identityLoss(golden["keys"]!.narrowed(dim: 2, from: 0, count: 4), $0) }),
    ]
    for (name, loss) in losses {
      let x = golden["\(name)/in"]!.requiringGradient()
      expectClose(loss(x), name)
      expectClose(gradients(of: loss(x), withRespectTo: [x])[0], "\(name)/gradient")
    }
  }

  /// Central differences in float64, through the heads and the normalised vectors.
  @Test func theContrastsGradientIsTheSlope() {
    var noise = Noise(seed: 6)
    let keys = noise.normal([1, 7, 5], dtype: .float64)
    let x = noise.normal([1, 7, 5], dtype: .float64).requiringGradient()
    func loss(_ x: Tensor) -> Tensor {
      patchContrast(x / sqrt(square(x).sum(dims: [2], keepDims: true)), keys, temperature: 0.5)
    }
    let slope = gradients(of: loss(x), withRespectTo: [x])[0]
    let direction = noise.normal([1, 7, 5], dtype: .float64)
    let h = 1e-5
    let difference = withoutGradients { (loss(x + direction * h) - loss(x - direction * h)).item() / (2 * h) }
    // The error of central differences is of the order of h².
    #expect(abs(difference - (slope * direction).sum().item()) < 1e-8)
  }

  /// Five steps from the golden's weights on its pictures.
  private func followsPyTorch<R: Recipe>(
    _ settings: R.Settings, _ names: [String], generator: (R, Tensor) -> Tensor
  ) throws {
    var noise = Noise(seed: 0)
    let recipe = try R(settings, noise: &noise, on: .cpu)
    let before = group("\(R.name)/before/")
    let parts = Set(before.keys.map { String($0.split(separator: "/")[0]) })
    for part in parts { try recipe.saved[part]!.restore(group("\(R.name)/before/\(part)/")) }
    let losses = golden["\(R.name)/losses"]!.doubles
    for step in 0..<5 {
      var noise = Noise(seed: UInt64(step))
      let pictures = ["first", "second"].map { PictureSet(golden["\(R.name)/\($0)"]![step]).batch([0, 1]) }
      let readings = recipe.step(
        Batch(pictures: pictures[0], indices: [0, 1], targets: pictures[1]), noise: &noise,
        at: Progress(picturesSeen: 2 * step, fraction: 0, totalPictures: 100))
      #expect(readings.map(\.name) == names)
      for (i, reading) in readings.enumerated() {
        // Biases before a normalisation have no gradient but rounding, which Adam's first steps make as large as any.
        let theirs = losses[step * names.count + i]
        #expect(abs(reading.value - theirs) < 2e-4 * max(1, theirs), "\(R.name) \(step) \(reading.name) \(theirs)")
      }
    }
    let first = PictureSet(golden["\(R.name)/first"]![0]).batch([0, 1])
    let made = withoutGradients { generator(recipe, first.contiguous()) }
    // After five steps of 2e-4 pictures have moved by some percents.
    #expect(abs(made - golden["\(R.name)/made"]!).max().item() < 1e-3, "\(R.name)")
  }

  @Test func cycleGANFollowsPyTorch() throws {
    var settings = CycleGANRecipe.Settings()
    (settings.size, settings.window, settings.batch, settings.width, settings.blocks) = (32, 32, 2, 2, 1)
    (settings.discriminatorWidth, settings.precision) = (1, "float32")
    try followsPyTorch(settings, ["generators", "discriminators", "cycle", "identity"]) { (recipe: CycleGANRecipe, x) in
      recipe.there.generator(x)
    }
  }

  @Test func cutFollowsPyTorch() throws {
    var settings = CUTRecipe.Settings()
    (settings.size, settings.window, settings.batch, settings.width, settings.blocks) = (32, 32, 2, 2, 2)
    (settings.discriminatorWidth, settings.patches, settings.headSize, settings.precision) = (1, 8, 6, "float32")
    try followsPyTorch(settings, ["generator", "discriminator", "nce", "identity"]) { (recipe: CUTRecipe, x) in
      recipe.generator(x)
    }
  }

  @Test func pix2pixFollowsPyTorch() throws {
    var settings = Pix2PixRecipe.Settings()
    (settings.size, settings.window, settings.batch, settings.width, settings.depth) = (32, 32, 2, 2, 4)
    (settings.discriminatorWidth, settings.precision) = (1, "float32")
    try followsPyTorch(settings, ["generator", "discriminator", "distance"]) { (recipe: Pix2PixRecipe, x) in
      recipe.generator(x)
    }
  }
}
