import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

/// The augmentation pipe beside a reference in float64 (Tests/Goldens/augment.py), one transform after the other.
@Suite struct AugmentPipeTests {
  private let golden: [String: Tensor]

  init() throws {
    golden = try Checkout.golden("augment").tensors
  }

  private static let whole = Placement.scaling(-1, 1).then(.rotation(-0.4)).then(.scaling(0.9, 1.2)).then(
    .moving(0.5, 1.25))
  private static let blits: [(name: String, placement: Placement)] = [
    ("flip", .scaling(-1, 1)), ("turn", .quarterTurns(1)), ("turns", .quarterTurns(2)), ("whole", .moving(2, -3)),
  ]
  private static let placements: [(name: String, placement: Placement)] = [
    ("whole", .moving(2, -3)), ("scale", .scaling(1.3)), ("smaller", .scaling(0.8)), ("rotation", .rotation(0.6)),
    ("stretch", .scaling(1.2, 1 / 1.2)), ("part", .moving(1.37, -0.81)),
  ]
  private static let colourings: [(name: String, colouring: Colouring)] = [
    ("brightness", .brightness(0.3)), ("contrast", .contrast(1.7)), ("luma", .invertedLuma), ("hue", .hue(1.1)),
    ("saturation", .saturation(0.4)),
  ]

  /// The filter's taps are given to sixteen digits, and hold what they promise to eleven.
  private func expectEqual(_ name: String, _ transform: (Tensor) -> Tensor) throws {
    let x = golden["x"]!.detached().requiringGradient()
    let y = transform(x)
    let slope = gradients(of: (y * golden["weight"]!).sum(), withRespectTo: [x])[0]
    for (mine, part) in [(y, "y"), (slope, "gradient")] {
      let theirs = try #require(golden["\(name)/\(part)"])
      let apart = abs(mine - theirs).max().item()
      #expect(mine.shape == theirs.shape && apart < 1e-9, "\(name)/\(part): \(apart)")
    }
  }

  @Test func everyPlacementIsTheReferences() throws {
    for (name, placement) in Self.placements {
      try expectEqual(name) { placed($0, [Placement](repeating: placement, count: 3)) }
    }
  }

  @Test func everyBlitIsExact() throws {
    for (name, placement) in Self.blits {
      try expectEqual(name) { blitted($0, [Placement](repeating: placement, count: 3)) }
      let y = blitted(golden["x"]!, [Placement](repeating: placement, count: 3))
      #expect(y.isEqual(to: golden["\(name)/y"]!), "\(name)")
    }
  }

  @Test func everyColouringIsTheReferences() throws {
    for (name, colouring) in Self.colourings {
      try expectEqual(name) { tinted($0, [Colouring](repeating: colouring, count: 3)) }
    }
  }

  /// One after the other is one matrix.
  @Test func allTogetherAreTheReferences() throws {
    let colour = Colouring.hue(-0.7).then(.saturation(1.6)).then(.contrast(0.8)).then(.brightness(-0.1))
    try expectEqual("all") { x in
      tinted(placed(x, [Placement](repeating: Self.whole, count: 3)), [Colouring](repeating: colour, count: 3))
    }
    let back = Self.whole.then(Self.whole.inverted)
    for (mine, exact) in zip([back.a, back.b, back.c, back.d, back.e, back.f], [1.0, 0, 0, 0, 1, 0]) {
      #expect(abs(mine - exact) < 1e-12)
    }
  }

  @Test func theFilterGivesBackWhatWasThere() {
    for shift in 0..<6 {
      let sum = (0..<12 - 2 * shift).reduce(0) { $0 + symlet6[$1] * symlet6[$1 + 2 * shift] }
      #expect(abs(sum - (shift == 0 ? 1 : 0)) < 1e-11, "moved by \(2 * shift)")
    }
    let x = golden["x"]!
    #expect(abs(placed(x, [Placement](repeating: .identity, count: 3)) - x).max().item() < 1e-10)
  }

  /// A picture that stays beside others that move.
  @Test func picturesThatStayAreUntouched() {
    let x = golden["x"]!
    let seen = placed(x, [.identity, .rotation(0.6), .identity])
    #expect(seen[0].isEqual(to: x[0]) && seen[2].isEqual(to: x[2]))
    #expect(abs(seen[1] - golden["rotation/y"]![1]).max().item() < 1e-9)
  }

  /// Each picture has its own changes, the first ones whatever comes after; none with a probability of 0.
  @Test(arguments: [1, 3, 4]) func picturesDrawForThemselves(channels: Int) {
    let pipe = AugmentPipe()
    var noise = Noise(seed: 3)
    let x = tanh(noise.normal([8, channels, 16, 16]))
    var (first, second) = (Noise(seed: 4), Noise(seed: 4))
    let seen = pipe(x, probability: 0.5, noise: &first)
    #expect(seen.shape == x.shape && seen.allFinite)
    #expect(pipe(x, probability: 0.5, noise: &second).isEqual(to: seen))
    #expect(pipe(x, probability: 0, noise: &second).isEqual(to: x))
    let apart = abs(seen - x).flattened(from: 1).max(dims: [1]).floats
    #expect(apart.contains { $0 > 0.1 })
    if channels == 4 {
      // Colours leave alpha alone.
      let colours = AugmentPipe(blits: false, geometry: false)(x, probability: 1, noise: &first)
      #expect(colours.narrowed(dim: 1, from: 3, count: 1).isEqual(to: x.narrowed(dim: 1, from: 3, count: 1)))
      #expect(abs(colours - x).max().item() > 0.1)
    }
  }

  /// A wide picture's middle, a square, is turned as a square is; moves and half turns of whole pixels are exact.
  @Test func widePicturesAreMovedAsSquaresAre() {
    var noise = Noise(seed: 6)
    let x = interpolate(noise.normal([1, 3, 8, 12]), size: [32, 48])
    func middle(_ x: Tensor) -> Tensor { x.narrowed(dim: 3, from: 8, count: 32) }
    let half = blitted(x, [.quarterTurns(2)])
    #expect(half.isEqual(to: x.flipped([2, 3])))
    let moved = blitted(x, [.moving(5, -3)])
    #expect(
      moved.narrowed(dim: 2, from: 0, count: 29).narrowed(dim: 3, from: 5, count: 43).isEqual(
        to: x.narrowed(dim: 2, from: 3, count: 29).narrowed(dim: 3, from: 0, count: 43)))
    // Filters leave a thousandth of a smooth picture.
    #expect(abs(placed(x, [.moving(5, -3)]) - moved).max().item() < 0.02)
    let quarter = placed(x, [.rotation(.pi / 2)])
    let expected = middle(x).transposed(2, 3).flipped([3])
    let inner = { (x: Tensor) in x.narrowed(dim: 2, from: 4, count: 24).narrowed(dim: 3, from: 4, count: 24) }
    #expect(abs(inner(middle(quarter)) - inner(expected)).max().item() < 0.1)
    for _ in 0..<20 {
      let way = AugmentPipe(geometry: false, colours: false).blit(1, size: PictureSize(48, 32), noise: &noise)
      #expect(way.b == 0 && way.d == 0, "\(way)")
    }
    #expect(LightAugment()(x, probability: 1, noise: &noise).shape == x.shape)
  }

  /// How often each happens: a hundred pictures' placements and colours, half of them changed by each transform.
  @Test func changesComeAsOftenAsTheyShould() {
    var noise = Noise(seed: 5)
    let pipe = AugmentPipe(geometry: false, colours: false)
    let count = (0..<4000).count { _ in pipe.blit(0.5, size: 64, noise: &noise) == .identity }
    // Unflipped ¾, unturned ⅝, and as good as always moved where it is.
    #expect(abs(Double(count) / 4000 - 0.75 * 0.625 * 0.5) < 0.03)
    let grey = (0..<4000).count { _ in
      AugmentPipe().colouring(0.5, noise: &noise).rows.allSatisfy { $0[3] == 0 }
    }
    #expect(abs(Double(grey) / 4000 - 0.5) < 0.03)
  }

  @Test func theStrengthFollowsTheDiscriminatorsSureness() throws {
    let strength = AugmentStrength(target: 0.6)
    let (sure, unsure) = (Tensor([1, 2, 3, 0.1] as [Float]), Tensor([1, -2, 3, -0.1] as [Float]))
    for _ in 0..<3 { strength.follow(sure, span: 160) }
    #expect(strength.probability == 0, "it moves every four updates")
    strength.follow(sure, span: 160)
    #expect(abs(strength.probability - 0.1) < 1e-12)
    for _ in 0..<2 { strength.follow(sure, span: 160) }
    // What it has counted goes on in another run.
    let other = AugmentStrength(target: 0.6)
    try other.restore(strength.savedTensors)
    for each in [strength, other] { for _ in 0..<2 { each.follow(sure, span: 160) } }
    #expect(strength.probability == other.probability && abs(other.probability - 0.2) < 1e-12)
    for _ in 0..<400 { strength.follow(sure, span: 160) }
    #expect(strength.probability == AugmentStrength.most)
    for _ in 0..<400 { strength.follow(unsure, span: 160) }
    #expect(strength.probability == 0)
    #expect(throws: (any Error).self) { try other.restore([:]) }
  }

  /// A drawing lies in eight ways, some oftener than others. What flips and turns leave of that can be undone while they are
  /// likely, not certain (Karras et al. 2020, section 3.1): so a generator that matches augmented pictures matches the clean
  /// ones, too.
  @Test(arguments: [0.5, 0.8, 1.0]) func belowTheBoundNothingLeaks(p: Double) throws {
    var pipe = AugmentPipe(geometry: false, colours: false)
    pipe.shift = 0
    var noise = Noise(seed: 8)
    // An L, in all eight ways.
    let first = Tensor([1, -1, -1, -1, 1, -1, -1, -1, 1, -1, -1, -1, 1, 1, -1, -1] as [Float], shape: [1, 4, 4])
    let ways = (0..<8).map { way -> Tensor in
      let turned = (0..<way % 4).reduce(first) { x, _ in x.transposed(1, 2).flipped([2]) }
      return way < 4 ? turned : turned.flipped([2])
    }
    func counted(_ x: Tensor) -> [Double] {
      let likeness = matmul(x.flattened(from: 1), Tensor.stacked(ways).flattened(from: 1).T)
      let found = likeness.topK(1, dim: 1).indices.ints
      return (0..<8).map { way in Double(found.count { $0 == way }) / Double(found.count) }
    }
    // Where each way goes, by many draws of one.
    let draws = 3000
    let columns = ways.map { way in
      counted(pipe(way.unsqueezed(0).expanded([draws, 1, 4, 4]).contiguous(), probability: p, noise: &noise))
    }
    let mixing = Tensor(columns.flatMap { $0 }, shape: [8, 8]).T
    let weakest = svd(mixing).s.doubles.min()!
    // Of flips and of turns 1 - p is left of what tells the ways apart; of all, nothing.
    #expect(p < 1 ? abs(weakest - (1 - p) * (1 - p)) < 0.02 : weakest < 0.015, "\(weakest)")
    // Beyond, the same holds, and so few pictures say it less and less exactly.
    guard p <= 0.5 else { return }
    let clean: [Double] = [0.4, 0.25, 0.1, 0.05, 0.1, 0.05, 0.03, 0.02]
    let set = zip(ways, clean).flatMap { way, share in [Tensor](repeating: way, count: Int(share * 8000)) }
    let seen = counted(pipe(Tensor.stacked(set), probability: p, noise: &noise))
    let undone = solve(mixing, Tensor(seen, shape: [8, 1])).flattened(from: 0).doubles
    #expect(zip(undone, clean).allSatisfy { abs($0 - $1) < 0.06 }, "\(undone)")
    // Not because there was nothing to undo.
    #expect(zip(seen, clean).contains { abs($0 - $1) > 0.1 })
  }

  /// Without anything drawn the pictures are themselves, and what is moved is moved as the pipe with filters moves it.
  @Test(arguments: [1, 3, 4]) func lightChangesAreChangesOfTheSameKind(channels: Int) throws {
    var noise = Noise(seed: 6)
    let x = interpolate(noise.normal([8, channels, 8, 8]), size: [64, 64])
    #expect(LightAugment()(x, probability: 0, noise: &noise).isEqual(to: x))
    #expect(abs(LightAugment()(x, probability: 1e-12, noise: &noise) - x).max().item() < 1e-4)
    let seen = LightAugment()(x, probability: 1, noise: &noise)
    #expect(seen.shape == x.shape && seen.allFinite && abs(seen - x).mean().item() > 0.05)
    // A move by whole pixels is exact inside.
    var moving = LightAugment()
    (moving.scale, moving.turn, moving.brightness, moving.contrast, moving.saturation) = (0, 0, 0, 0, 0)
    moving.shift = 0.05
    let moved = moving(x, probability: 1, noise: &noise)
    func inside(_ x: Tensor) -> Tensor { x.narrowed(dim: 2, from: 8, count: 48).narrowed(dim: 3, from: 8, count: 48) }
    let nearest = (-4...4).flatMap { dy in
      (-4...4).map { dx in abs(inside(moved)[0] - inside(x.rolled(by: [dy, dx], dims: [2, 3]))[0]).mean().item() }
    }.min()!
    #expect(nearest < 0.1 * abs(inside(x)[0]).mean().item())
    // Gradients reach every pixel that is seen.
    let leaf = x.cloned().requiringGradient()
    let gradient = gradients(of: LightAugment()(leaf, probability: 0.5, noise: &noise).sum(), withRespectTo: [leaf])[0]
    #expect(gradient.allFinite && abs(gradient).sum().item() > 0)
  }

  /// Places and colours are float32's, also where networks run in bfloat16.
  @Test func aRegionOfBFloat16ChangesNothing() {
    var noise = Noise(seed: 3)
    let x = noise.uniform([4, 3, 32, 32], from: -1, to: 1)
    let ways: [(String, (inout Noise) -> Tensor)] = [
      ("light", { LightAugment()(x, probability: 1, noise: &$0) }),
      ("pipe", { AugmentPipe(blits: true, geometry: true, colours: true)(x, probability: 1, noise: &$0) }),
      ("shift", { DiffAugment()(x, noise: &$0) }),
    ]
    for (name, way) in ways {
      var (a, b) = (Noise(seed: 7), Noise(seed: 7))
      let plain = way(&a), region = withAutocast(true, on: .cpu) { way(&b) }
      #expect(plain.isEqual(to: region), "\(name): \(abs(plain - region.to(.float32)).max().item())")
    }
  }
}
