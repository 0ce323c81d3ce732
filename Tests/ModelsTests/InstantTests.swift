import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// The arbitrary-style network: its transport against closed forms, its tiles, and a run of its recipe.
@Suite struct InstantTests {
  private func features(_ seed: UInt64, _ shape: [Int] = [2, 8, 24, 20]) -> Tensor {
    var noise = Noise(seed: seed)
    // Channels that hang together, as a network's do.
    let mix = noise.normal([shape[1], shape[1]]) * 0.5
    let x = relu(noise.normal([shape[0], shape[2] * shape[3], shape[1]]) + 0.3 * Double(seed))
    return matmul(x, mix).transposed(1, 2).reshaped(shape)
  }

  /// x with its smallest eigenvalues cut off, and a function of them: V f(λ) Vᵀ.
  private func ofEigenvalues(_ x: Tensor, _ f: (Tensor) -> Tensor) -> Tensor {
    let (values, vectors) = eigh(x.to(.float64))
    return matmul(vectors * f(clamp(values, min: 1e-12, max: 1e12)).unsqueezed(-2), vectors.T)
  }

  @Test func carriedFeaturesHaveTheStylesStatistics() {
    let style = Statistics(features(2), group: 4)
    let found = Statistics(transported(features(1), to: style), group: 4)
    #expect(abs(found.mean - style.mean).max().item() < 1e-4)
    // The thousandth on the diagonal that makes roots exist.
    #expect(abs(found.covariance - style.covariance).max().item() < 0.01 * style.covariance.max().item())
  }

  /// Lu et al. 2019, equation 10, by eigenvalues in float64.
  @Test func theMapIsTheOptimalOne() {
    let own = Statistics(features(1), group: 8), style = Statistics(features(2), group: 8)
    let map = transportMap(from: own, to: style)
    for i in 0..<2 {
      let (a, b) = (own.raised[i].to(.float64), style.raised[i].to(.float64))
      let (root, inverse) = (ofEigenvalues(a, sqrt), ofEigenvalues(a, rsqrt))
      let wanted = matmul(matmul(inverse, ofEigenvalues(matmul(matmul(root, b), root), sqrt)), inverse)
      #expect(abs(map[i].to(.float64) - wanted).max().item() < 1e-3)
    }
  }

  @Test func ownStatisticsChangeNothing() {
    let x = features(3)
    #expect(abs(transported(x, to: Statistics(x, group: 4)) - x).max().item() < 2e-3)
  }

  @Test func mixedStatisticsAreThoseOfBothTogether() {
    let (a, b) = (features(1, [1, 8, 10, 10]), features(2, [1, 8, 10, 10]))
    let both = Statistics(Tensor.concatenated([a, b], dim: 3), group: 4)
    let mixed = Statistics.mixed([(Statistics(a, group: 4), 2), (Statistics(b, group: 4), 2)])
    #expect(abs(mixed.mean - both.mean).max().item() < 1e-5)
    #expect(abs(mixed.covariance - both.covariance).max().item() < 1e-4)
  }

  /// One picture, one group: the loss of `restyle`, but for what keeps roots from 0.
  @Test func theDistanceIsThatOfRestyle() {
    let (a, b) = (features(1, [1, 8, 24, 20]), features(2, [1, 8, 24, 20]))
    let single = WassersteinLoss(StyleStatistics(b))(StyleStatistics(a)).item()
    let batch = groupedWasserstein(Statistics(a, group: 8), Statistics(b, group: 8)).mean().item()
    #expect(abs(single - batch) < 2e-3 * single)
    #expect(groupedWasserstein(Statistics(a, group: 8), Statistics(a, group: 8)).mean().item().magnitude < 1e-3)
  }

  @Test func theDistancesGradientIsTheSlope() {
    let style = Statistics(features(2, [1, 4, 6, 6]), group: 4)
    let start = features(1, [1, 4, 6, 6])
    func loss(_ x: Tensor) -> Tensor { groupedWasserstein(Statistics(x, group: 4), style).mean() }
    let x = start.requiringGradient()
    let gradient = gradients(of: loss(x), withRespectTo: [x])[0]
    var noise = Noise(seed: 9)
    let way = noise.normal(start.shape)
    let step = 3e-2
    let slope = (loss(start.detached() + way * step).item() - loss(start.detached() - way * step).item()) / (2 * step)
    let found = (gradient * way).sum().item()
    // Float32 differences of a loss near 1.
    #expect(abs(found - slope) < 0.02 * max(abs(slope), 0.05), "\(found), \(slope)")
  }

  @Test func aShelfComputesARowOnceAndGivesItBack() {
    let cache = RowCache(limit: 3)
    var computed: [Int] = []
    func rows(_ numbers: [Int]) -> Tensor {
      cache.rows(numbers) { i in
        computed.append(numbers[i])
        return Tensor([Float(numbers[i]), 1], shape: [1, 2])
      }
    }
    #expect(rows([7, 5, 7]).contiguous().floats == [7, 1, 5, 1, 7, 1])
    #expect(rows([5, 9, 2]).contiguous().floats == [5, 1, 9, 1, 2, 1])
    #expect(rows([2, 7, 9]).contiguous().floats == [2, 1, 7, 1, 9, 1])
    // There is no room for the fourth.
    #expect(computed == [7, 5, 9, 2, 2])
  }

  private let perceptualNetwork: VGG = {
    let teacher = VGG()
    var drawn = Noise(seed: 0)
    teacher.initialize(&drawn, as: .fanIn(gain: 2.0.squareRoot()))
    teacher.setRequiresGradient(false)
    return teacher
  }()

  private func painter(_ seed: UInt64 = 1) -> (InstantPainter, Noise) {
    var noise = Noise(seed: seed)
    let network = InstantNetwork()
    network.initialize(&noise, as: .fanIn(gain: 1))
    network.setRequiresGradient(false)
    let style = interpolate(noise.uniform([1, 3, 9, 7]), size: [80, 64])
    return (InstantPainter(network, styles: [(style, 1)], precision: "float32"), noise)
  }

  /// Beside PyTorch: Tests/Goldens/brush.py.
  @Test func theBrushIsPyTorchs() throws {
    let golden = try Checkout.golden("brush").tensors
    let network = BrushNetwork(styles: 3)
    var noise = Noise(seed: 4)
    withoutGradients {
      for layer in network.layers {
        let fan = Double(layer.w.count / layer.w.size(0))
        layer.w.copy(from: noise.normal(layer.w.shape) / fan.squareRoot())
        layer.norm.gamma.copy(from: noise.normal(layer.norm.gamma.shape) * 0.2 + 1)
        layer.norm.beta.copy(from: noise.normal(layer.norm.beta.shape) * 0.2)
      }
    }
    let picture = noise.uniform([2, 3, 32, 40]).requiringGradient()
    let mixture = Tensor([0.2, 0.3, 0.5, 1, 0, 0] as [Float], shape: [2, 3])
    let made = network(picture, mixture)
    #expect(abs(made - golden["made"]!).max().item() < 1e-4)
    let gradient = gradients(of: square(made).mean(), withRespectTo: [picture])[0]
    // Eighteen normalisations amplify rounding.
    let scale = abs(golden["gradient"]!).max().item()
    #expect(abs(gradient - golden["gradient"]!).max().item() < 1e-2 * scale)
  }

  /// Beside PyTorch: Tests/Goldens/instant.py.
  @Test func theNetworkIsPyTorchs() throws {
    let golden = try Checkout.golden("instant").tensors
    let network = InstantNetwork()
    var noise = Noise(seed: 6)
    withoutGradients {
      for (name, tensor) in network.state {
        let values = noise.normal(tensor.shape)
        let fan = Double(tensor.count / tensor.size(0))
        let shift = name.hasSuffix("scale.bias") ? 1.0 : 0
        tensor.copy(from: tensor.rank > 1 ? values / (fan / 2).squareRoot() : values * 0.1 + shift)
      }
    }
    let painting = noise.uniform([2, 3, 72, 90]), picture = noise.uniform([2, 3, 32, 40]).requiringGradient()
    let style = network.style(of: painting)
    #expect(abs(style - golden["style"]!).max().item() < 1e-4 * abs(golden["style"]!).max().item())
    let made = network.raw(picture, style)
    // Through thirty layers, by other vector code on another processor.
    #expect(abs(made - golden["made"]!).max().item() < 3e-4)
    let found = gradients(
      of: square(made).mean(), withRespectTo: [picture, network.predictor.bottleneck.bias!])
    for (gradient, name) in zip(found, ["picture", "bottleneck"]) {
      let scale = abs(golden[name]!).max().item()
      #expect(abs(gradient - golden[name]!).max().item() < 1e-2 * scale, "\(name)")
    }
  }

  /// Patch by patch in float64, beside one filter a size: Tests/Goldens/instant.py.
  @Test func theTextureIsPyTorchs() throws {
    let golden = try Checkout.golden("instant").tensors
    let photo = golden["texture.photo"]!, texture = Texture(of: golden["texture.paint"]!)
    #expect(abs(texture.share.flattened() - golden["texture.share"]!).max().item() < 1e-4)
    let mixed = texture.mixed(photo.flipped([3]), with: photo)
    #expect(abs(mixed - golden["texture.mixed"]!).max().item() < 1e-3)
    // Covariances in float32, whose smallest parts are raised to some ten-thousandths.
    #expect(abs(texture.carried(to: photo) - golden["texture.grained"]!).max().item() < 5e-3)
  }

  /// Patch by patch in float64, by curves of 129 points beside 1,024 pieces: Tests/Goldens/instant.py.
  @Test func slicesArePyTorchs() throws {
    let golden = try Checkout.golden("instant").tensors
    let photo = golden["texture.photo"]!, paint = golden["texture.paint"]!
    let made = SlicedDistribution(of: paint).carried(to: photo)
    #expect(abs(made - golden["slices"]!).max().item() < 0.01)
    #expect(abs(made - golden["slices"]!).mean().item() < 1e-3)
    #expect(abs(SlicedDistribution(of: photo).carried(to: photo) - photo).mean().item() < 0.01)
    let mixed = SlicedDistribution.mixed([(SlicedDistribution(of: paint), 1), (SlicedDistribution(of: paint), 3)])
    #expect(abs(mixed.carried(to: photo) - made).max().item() < 1e-4)
  }

  /// Of a picture in two colours with a hard edge means and covariances say too little: what is between the two goes.
  @Test func slicesBringFlatColours() {
    var noise = Noise(seed: 3)
    let photo = interpolate(noise.uniform([1, 3, 8, 8]), size: [64, 64], mode: .bicubic)
    let left = Tensor([0.9, 0.2, 0.1] as [Float], shape: [1, 3, 1, 1]),
      right = Tensor([0.1, 0.3, 0.8] as [Float], shape: [1, 3, 1, 1])
    let flat = Tensor.concatenated([left.repeated([1, 1, 64, 32]), right.repeated([1, 1, 64, 32])], dim: 3)
    /// How far pixels are from the nearer of the colours.
    func between(_ x: Tensor) -> Double {
      let all = [left, right].map { abs(x - $0).sum(dims: [1]) }
      return Tensor.stacked(all).min(dim: 0).values.mean().item()
    }
    let grained = Texture(of: flat).carried(to: photo)
    #expect(between(SlicedDistribution(of: flat).carried(to: grained)) < 0.6 * between(grained))
  }

  /// One picture alone and in a batch; and a painting's own grain changes nothing.
  @Test func texturesOfABatchAreEachItsOwn() throws {
    let golden = try Checkout.golden("instant").tensors
    let photo = golden["texture.photo"]!, paint = golden["texture.paint"]!
    let other = 1 - photo
    let loss = PaintingLoss(perceptualNetwork, contentWeight: 1, smoothness: 0, usesBFloat16: false, on: .cpu)
    for (number, style) in [paint, other].enumerated() { _ = loss.goals(style * 2 - 1, [number]) }
    // Both are known by now.
    let goals = loss.goals(paint, [0, 1])
    let both = goals.texture.carried(to: Tensor.concatenated([photo, photo]))
    let first = PaintingLoss.statistics(loss.features(paint)), half = goals.layers[2].mean.size(0) / 2
    #expect(abs(goals.layers[2].covariance[0..<half] - first[2].covariance).max().item() < 1e-5)
    #expect(abs(goals.layers[2].mean[0..<half] - first[2].mean).max().item() < 1e-5)
    for (i, style) in [paint, other].enumerated() {
      #expect(abs(both[i..<i + 1] - Texture(of: style).carried(to: photo)).max().item() < 1e-3)
    }
    #expect(abs(Texture(of: photo).carried(to: photo) - photo).mean().item() < 2e-3)
    let mixed = Texture.mixed([(Texture(of: paint), 1), (Texture(of: paint), 3)])
    #expect(abs(mixed.carried(to: photo) - Texture(of: paint).carried(to: photo)).max().item() < 2e-3)
  }

  @Test func statesHaveThePublishedNames() {
    let names = Set(BrushNetwork(styles: 2).state.map(\.name))
    #expect(names.count == 54 && names.isSuperset(of: ["contract.0.w", "res.5.1.norm.gamma", "expand.2.norm.beta"]))
  }

  @Test(arguments: [[48, 64], [37, 51], [16, 16], [5, 9]]) func anySize(_ size: [Int]) throws {
    var (painter, noise) = painter()
    let picture = interpolate(noise.uniform([1, 3, 6, 8], from: -1, to: 1), size: size)
    let made = try #require(try carried(picture, by: painter, bytes: 1e9))
    #expect(made.shape == picture.shape && made.allFinite)
    #expect(made.std(dims: [0, 1, 2, 3]).item() > 1e-3)
  }

  /// With the whole picture's statistics, tiles are what the whole picture gives: none sees beyond its margin.
  @Test func tilesAreTheWhole() throws {
    var (painter, noise) = painter()
    let picture = interpolate(noise.uniform([1, 3, 30, 40], from: -1, to: 1), size: [240, 480])
    let whole = painter(picture)
    painter.hold(picture)
    let margin = painter.margin!
    for inner in [0..<200, 200..<304, 304..<480] {
      let outer = max(0, inner.lowerBound - margin)..<min(480, inner.upperBound + margin)
      let part = painter(picture.narrowed(dim: 3, from: outer.lowerBound, count: outer.count))
      let mine = part.narrowed(dim: 3, from: inner.lowerBound - outer.lowerBound, count: inner.count)
      let theirs = whole.narrowed(dim: 3, from: inner.lowerBound, count: inner.count)
      #expect(abs(mine - theirs).max().item() < 2e-3)
    }
    painter.release()
    #expect(painter(picture).isEqual(to: whole))
  }

  /// Eight pictures, or as many steps; from `saved`.
  private func run(_ recipe: some Recipe, in folder: String, from saved: Checkpoint? = nil, steps: Int = 99) throws {
    let set = TransferTests.set(6, size: 64, seed: 1), paintings = TransferTests.set(4, size: 64, seed: 2)
    // The schedule hangs on the run's length, so a first part is stopped, not planned shorter.
    var plan = Plan(.pictures(8), seed: 5)
    plan.samples = 1
    let targets = try Targets(paintings, for: set, pairing: .unpaired, seed: 5)
    let loop = Loop(recipe, on: set, towards: targets, plan: plan, folder: folder)
    if let saved { try loop.resume(saved) }
    var asked = 0
    try loop.run(
      report: { event in
        if case .sample(let sheet, let columns, _) = event {
          #expect(columns == 6 && sheet.size(0) % 6 == 0 && sheet.size(3) == 64 && sheet.allFinite)
        }
      },
      shouldStop: {
        asked += 1
        return asked > steps
      })
  }

  private func instant(_ seed: UInt64) throws -> InstantRecipe {
    var settings = InstantRecipe.Settings()
    (settings.size, settings.cropSide, settings.precision) = (64, 32, "float32")
    var noise = Noise(seed: seed)
    let recipe = try InstantRecipe(settings, noise: &noise, on: .cpu)
    try recipe.take(Pretrained("vgg16"), weights: perceptualNetwork.savedTensors)
    return recipe
  }

  private func brush(_ seed: UInt64) throws -> BrushRecipe {
    var settings = BrushRecipe.Settings()
    (settings.size, settings.cropSide, settings.styleSize, settings.precision) = (64, 32, 64, "float32")
    var noise = Noise(seed: seed)
    let recipe = try BrushRecipe(settings, noise: &noise, on: .cpu)
    try recipe.take(Pretrained("vgg16"), weights: perceptualNetwork.savedTensors)
    return recipe
  }

  private func resumes(_ made: (UInt64) throws -> some Recipe) throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = try made(1)
    try run(whole, in: folder + "/a")
    try run(made(1), in: folder + "/b", steps: 2)
    let second = try made(9)
    let saved = try #require(Checkpoint.latest(in: folder + "/b"))
    try run(second, in: folder + "/b", from: saved)
    for (name, part) in whole.saved {
      let other = second.saved[name]!.savedTensors
      #expect(part.savedTensors.allSatisfy { $1.rawBytes == other[$0]!.rawBytes }, "\(name)")
    }
  }

  @Test func fourStepsAreTwoSavedAndTwoMore() throws { try resumes(instant) }

  /// Wider, it paints nearly as it did, and no two of its channels are alike.
  @Test func aWiderNetworkBeginsAsTheOther() throws {
    var noise = Noise(seed: 2)
    let narrow = InstantNetwork()
    narrow.initialize(&noise, as: .fanIn(gain: 1))
    let wide = InstantNetwork(width: 64)
    wide.initialize(&noise, as: .fanIn(gain: 1))
    let (picture, style) = (noise.uniform([1, 3, 32, 40]), noise.normal([1, StylePredictor.size]))
    let before = withoutGradients { narrow.raw(picture, style) }
    #expect(meanAbsoluteError(withoutGradients { wide.raw(picture, style) }, before).item() > 0.1)
    try wide.widen(Dictionary(uniqueKeysWithValues: narrow.state.map { ($0.name, $0.tensor) }))
    let after = withoutGradients { wide.raw(picture, style) }
    #expect(meanAbsoluteError(after, before).item() < 0.05)
    let first = try #require(wide.state.first { $0.name == "contract.0.weight" }).tensor
    #expect(abs(first[0] - first[8]).min().item() > 0)
    #expect(throws: StateError.self) { try narrow.widen(["contract.0.weight": first]) }
  }

  /// With a weight on steadiness it is learned, and said.
  @Test func steadinessIsLearned() throws {
    var settings = InstantRecipe.Settings()
    (settings.size, settings.cropSide, settings.precision) = (64, 32, "float32")
    (settings.steadiness, settings.rate) = (1e5, 1e-3)
    var noise = Noise(seed: 1)
    let recipe = try InstantRecipe(settings, noise: &noise, on: .cpu)
    try recipe.take(Pretrained("vgg16"), weights: perceptualNetwork.savedTensors)
    let batch = Batch(
      pictures: noise.uniform([2, 3, 64, 64], from: -1), indices: [0, 1],
      targets: noise.uniform([2, 3, 64, 64], from: -1),
      targetIndices: [0, 1])
    var seen: [Double] = []
    for step in 0..<8 {
      var drawn = Noise(seed: 5)
      let readings = recipe.step(
        batch, noise: &drawn, at: Progress(picturesSeen: 2 * step, fraction: 0, totalPictures: 100))
      seen.append(try #require(readings.first { $0.name == "unsteadiness" }).value)
    }
    #expect(seen.allSatisfy { $0.isFinite && $0 > 0 } && seen.last! < 0.8 * seen[0], "\(seen)")
  }
  @Test func aBrushGoesOnExactly() throws { try resumes(brush) }

  /// A brush that hasn't learned yet paints as the network for any style does before `SlicedDistribution`, and what it learned is its
  /// file's.
  @Test func aBrushBeginsAsThePainting() throws {
    let recipe = try brush(3)
    var noise = Noise(seed: 7)
    let painting = interpolate(noise.uniform([1, 3, 6, 6]), size: [64, 64])
    let photograph = interpolate(noise.uniform([1, 3, 8, 8], from: -1, to: 1), size: [64, 64])
    let batch = Batch(pictures: photograph, indices: [0], targets: painting * 2 - 1, targetIndices: [0])
    let anyStyle = InstantPainter(
      recipe.network, style: recipe.network.style(of: painting), texture: Texture(of: painting), precision: "float32")
    let expected = anyStyle(photograph)
    recipe.look(at: painting)
    let first = try #require(recipe.model.transfer(back: false))
    let begun = first(photograph)
    #expect(abs(begun - expected).max().item() < 1e-4)
    _ = recipe.step(batch, noise: &noise, at: Progress(picturesSeen: 0, fraction: 0, totalPictures: 8))
    let second = try #require(recipe.model.transfer(back: false))
    let after = second(photograph)
    #expect(!after.isEqual(to: begun))
    let other = try brush(4)
    for (name, part) in recipe.model.parts { try other.model.parts[name]!.restore(part.savedTensors) }
    let read = try #require(other.model.transfer(back: false))
    #expect(read(photograph).isEqual(to: after))
  }
}
