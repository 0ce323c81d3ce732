import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Models

/// VGG and the losses of style beside PyTorch: Tests/Goldens/style.py.
@Suite struct StyleTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("style").tensors
  }

  /// Float32 sums of some thousand products in another order.
  private func expectClose(_ mine: Tensor, _ name: String, tolerance: Double = 1e-5) {
    TestSupport.expectClose(mine, golden[name]!, name, tolerance: tolerance, least: 1e-6, reshapes: true)
  }

  /// Weights drawn as style.py draws them.
  private func network() -> VGG {
    let network = VGG([2, 1, 1])
    var noise = Noise(seed: 2)
    withoutGradients {
      for (name, tensor) in network.state where name.hasSuffix("weight") {
        tensor.copy(from: noise.normal(tensor.shape) / (Double(tensor.size(1)) * 4.5).squareRoot())
        let bias = network.state.first { $0.name == name.replacing("weight", with: "bias") }!.tensor
        bias.copy(from: noise.normal(bias.shape) * 0.1)
      }
    }
    return network
  }

  @Test func statesHaveTorchvisionsNames() {
    let names = VGG(VGG.vgg19).state.map(\.name)
    let positions = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    #expect(Set(names) == Set(positions.flatMap { ["features.\($0).weight", "features.\($0).bias"] }))
  }

  @Test func featuresAndTheirGradientAreTheSame() {
    let picture = golden["picture"]!.requiringGradient()
    let layers = [VGG.Layer(1, 1), VGG.Layer(1, 2), VGG.Layer(2, 1), VGG.Layer(3, 1)]
    let found = network()(picture, layers: layers)
    for (i, features) in found.enumerated() {
      let some = features.indexSelected(dim: 1, indices: Tensor((0..<features.size(1) / 8).map { 8 * $0 }))
      expectClose(some, "features/\(i)")
    }
    let gradient = gradients(of: square(found[3]).mean(), withRespectTo: [picture])[0]
    expectClose(gradient, "picture/gradient")
  }

  @Test func lossesAndTheirGradientsAreTheSame() {
    let a = golden["a"]!.requiringGradient()
    let target = StyleStatistics(golden["b"]!)
    let losses: [(String, any StyleLoss)] = [("wasserstein", WassersteinLoss(target)), ("gram", GramLoss(target))]
    for (name, loss) in losses {
      let value = loss(StyleStatistics(a))
      // Newton and Schulz's twelve steps in float32 beside eigenvalues in float64.
      expectClose(value, name, tolerance: 1e-4)
      expectClose(gradients(of: value, withRespectTo: [a])[0], "\(name)/gradient", tolerance: 1e-3)
    }
    let value = totalVariation(a)
    expectClose(value, "variation")
    expectClose(gradients(of: value, withRespectTo: [a])[0], "variation/gradient")
  }

  /// Central differences in float64 of the loss whose gradient is written by hand.
  @Test func theWassersteinGradientIsTheSlope() {
    var noise = Noise(seed: 5)
    let target = StyleStatistics(mean: noise.normal([4], dtype: .float64), moment: spread(&noise, 4))
    let loss = WassersteinLoss(target)
    let (mean, moment) = (noise.normal([4], dtype: .float64) * 0.1, spread(&noise, 4).requiringGradient())
    let slope = gradients(of: loss(StyleStatistics(mean: mean, moment: moment)), withRespectTo: [moment])[0]
    let direction = noise.normal([4, 4], dtype: .float64)
    let symmetric = direction + direction.T
    let at = { (h: Double) in
      withoutGradients { loss(StyleStatistics(mean: mean, moment: moment + symmetric * h)).item() }
    }
    let expected = (at(1e-4) - at(-1e-4)) / 2e-4
    #expect(Swift.abs((slope * symmetric).sum().item() - expected) < 1e-5 * Swift.max(1, Swift.abs(expected)))
  }

  private func spread(_ noise: inout Noise, _ n: Int) -> Tensor {
    let x = noise.normal([n, 3 * n], dtype: .float64)
    return matmul(x, x.T) / Double(3 * n) + Tensor.eye(n, dtype: .float64)
  }

  @Test func aMaskCountsItsPlacesOnly() {
    let features = golden["a"]!
    let mask = Tensor.zeros([1, 1, 7, 9])
    mask.setSlice(dim: 3, from: 0, to: Tensor.ones([1, 1, 7, 4]))
    let (masked, left) = (
      StyleStatistics(features, mask: mask), StyleStatistics(features.narrowed(dim: 3, from: 0, count: 4))
    )
    #expect(abs(masked.mean - left.mean).max().item() < 1e-6)
    #expect(abs(masked.moment - left.moment).max().item() < 1e-6)
  }

  @Test func scalesEndAtTheSize() {
    var settings = StyleSettings()
    #expect(settings.scales == [128, 181, 256, 362, 512])
    settings.size = 100
    #expect(settings.scales == [100])
  }

  /// The whole optimisation on a small VGG of random weights: the style's colours come in, the loss falls, and its
  /// steps are the same each time.
  @Test func aPictureTakesOnTheStyle() {
    var noise = Noise(seed: 9)
    let content = noise.uniform([1, 3, 40, 60])
    let style = Tensor([0.9, 0.1, 0.1] as [Float], shape: [1, 3, 1, 1]) + noise.uniform([1, 3, 50, 30]) * 0.1
    let network = VGG()
    network.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
    network.setRequiresGradient(false)
    var settings = StyleSettings()
    (settings.size, settings.smallest, settings.firstSteps, settings.steps) = (48, 32, 30, 20)
    // Gram's loss, since Wasserstein's roots of 512 × 512 would take most of the tests' time.
    (settings.precision, settings.strength, settings.loss) = ("float32", 50, .gram)
    let run = { () -> ([Double], Tensor, Int) in
      let work = try! StyleOptimization(
        content: content, regions: [.init(styles: [(style, 1)])], network: network, settings: settings)
      let losses = work.map { $0.loss() }
      return (losses, work.picture, work.total)
    }
    let (losses, picture, total) = run()
    #expect(losses.count == total && picture.shape == [1, 3, 32, 48])
    #expect(losses[29] < 0.8 * losses[0])
    let colours = picture.mean(dims: [0, 2, 3]).floats
    #expect(colours[0] > colours[1] + 0.05)
    #expect(run().1.isEqual(to: picture))
  }

  /// What a tile sees inside its margins is what it sees in the whole picture, so the gradients are the same.
  @Test func tilesGiveTheWholePicturesGradient() throws {
    var noise = Noise(seed: 3)
    let content = noise.uniform([1, 3, 307, 309])
    let mask = noise.uniform([1, 1, 307, 309])
    let network = VGG()
    network.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
    network.setRequiresGradient(false)
    let regions = [
      StyleOptimization.Region(styles: [(noise.uniform([1, 3, 96, 80]), 1)], mask: mask),
      StyleOptimization.Region(styles: [(noise.uniform([1, 3, 64, 90]), 1)]),
    ]
    let slopes = try [nil, 304].map { tile in
      var settings = StyleSettings()
      settings.strokes = 0
      (settings.size, settings.smallest, settings.precision, settings.tile) = (309, 309, "float32", tile)
      settings.loss = .gram
      let work = try StyleOptimization(content: content, regions: regions, network: network, settings: settings)
      let scale = StyleScale(work, side: 309, steps: 1, after: nil)
      withoutGradients { scale.image.copy(from: clamp(scale.image * 0.5 + 0.2, min: 0, max: 1)) }
      return tile == nil ? scale.slope() : scale.slopeByTiles()
    }
    #expect(StyleTiles(height: 307, width: 309, side: 304).tiles.count == 9)
    #expect(Swift.abs(slopes[0].loss.item() / slopes[1].loss.item() - 1) < 1e-5)
    let error = abs(slopes[0].gradient - slopes[1].gradient).max().item()
    #expect(error < 1e-3 * abs(slopes[0].gradient).max().item(), "\(error)")
  }

  @Test func tilesCoverEachPixelOnce() {
    for (height, width, side) in [(1000, 1531, 448), (300, 4096, 512), (231, 230, 448), (3072, 4096, 768)] {
      let tiles = StyleTiles(height: height, width: width, side: side).tiles
      #expect(tiles.reduce(0) { $0 + $1.inner.y.count * $1.inner.x.count } == height * width)
      #expect(tiles.allSatisfy { $0.outer.y.count <= max(side + 16, 240) && $0.inner.y.lowerBound % 16 == 0 })
    }
  }

  /// Ten steps are five, saved, and five more in a new work, to the bit, also across a change of size.
  @Test(arguments: [
    (3, StyleSettings.Method.adam, 0.0), (8, .adam, 0), (3, .lbfgs, 0), (8, .lbfgs, 0), (3, .adam, 2), (8, .adam, 2),
  ])
  func savedWorkGoesOnExactly(stop: Int, optimizer: StyleSettings.Method, strokes: Double) throws {
    var noise = Noise(seed: 4)
    let (content, style) = (noise.uniform([1, 3, 40, 60]), noise.uniform([1, 3, 50, 30]))
    let network = VGG()
    network.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
    network.setRequiresGradient(false)
    var settings = StyleSettings()
    (settings.size, settings.smallest, settings.firstSteps, settings.steps) = (48, 34, 5, 5)
    (settings.precision, settings.loss) = ("float32", .gram)
    (settings.optimizer, settings.strokes) = (optimizer, strokes)
    let work = { (saved: [String: Tensor]?) in
      try StyleOptimization(
        content: content, regions: [.init(styles: [(style, 1)])], network: network, settings: settings,
        resuming: saved)
    }
    let whole = try work(nil)
    #expect(Array(whole).count == 10)
    let first = try work(nil)
    for step in first where step.number == stop { break }
    let kept = first.saved.mapValues { $0.cloned() }
    let second = try work(kept)
    #expect(second.done == stop)
    for _ in second {}
    #expect(second.picture.isEqual(to: whole.picture))
  }

  /// A picture's own places are the nearest, and there is nothing to draw; another's are found as by plain search.
  @Test func strokesAreDrawnToTheNearestPlaces() {
    var noise = Noise(seed: 8)
    func features(_ seed: UInt64) -> [Tensor] {
      var noise = Noise(seed: seed)
      return zip([4, 6, 8, 8], [24, 12, 6, 3]).map { relu(noise.normal([1, $0, $1, $1])) }
    }
    let own = features(1), other = features(2)
    #expect(NearestFeatures([own])(own, mask: nil).item().magnitude < 1e-3)
    let loss = NearestFeatures([other])(own, mask: nil).item()
    #expect(loss > 1)
    // Masks count places.
    let mask = clamp(noise.uniform([1, 1, 6, 6], from: 0.1, to: 1), min: 0, max: 1)
    let weighed = NearestFeatures([other])(own, mask: mask).item()
    let alike = NearestFeatures([other])(own, mask: Tensor.ones([1, 1, 6, 6])).item()
    #expect(abs(Tensor([alike - loss])).item() < 1e-3 && abs(Tensor([weighed - loss])).item() > 1e-4)
    // Two styles are nearer than either.
    #expect(NearestFeatures([other, features(3)])(own, mask: nil).item() < loss * 1.2)
  }

  @Test func coloursAreKept() {
    var noise = Noise(seed: 1)
    let (content, painted) = (
      noise.uniform([1, 3, 8, 8], from: 0.4, to: 0.6), noise.uniform([1, 3, 8, 8], from: 0.4, to: 0.6)
    )
    let kept = withColours(of: content, brightness: painted)
    let hue = { (x: Tensor) in x.narrowed(dim: 1, from: 0, count: 1) - x.narrowed(dim: 1, from: 2, count: 1) }
    #expect(abs(hue(kept) - hue(content)).max().item() < 1e-6)
    let matched = matchingColours(of: content * 0.5, in: painted)
    #expect(abs(matched.mean(dims: [2, 3]) - (content * 0.5).mean(dims: [2, 3])).max().item() < 1e-4)
  }

  /// More noise is further away, and a picture's own style is at hand.
  @Test func distancesGrowWithWhatIsChanged() {
    let perceptualNetwork = VGG()
    var noise = Noise(seed: 6)
    perceptualNetwork.initialize(&noise, as: .fanIn(gain: 2.0.squareRoot()))
    let picture = interpolate(noise.uniform([1, 3, 9, 9]), size: [48, 64])
    let rough = noise.normal(picture.shape)
    let far = [0, 0.02, 0.1, 0.3].map { perceptualDistance(picture + rough * $0, picture, by: perceptualNetwork) }
    #expect(far[0] == 0 && far[0] < far[1] && far[1] < far[2] && far[2] < far[3])
    let own = paintingDistances(picture, content: picture, style: picture, by: perceptualNetwork)
    let other = paintingDistances(
      picture, content: picture + rough * 0.1, style: noise.uniform([1, 3, 40, 40]), by: perceptualNetwork)
    #expect(own.content == 0 && other.content > 0)
    #expect(own.style < 0.05 * other.style, "\(own.style), \(other.style)")
  }
}
