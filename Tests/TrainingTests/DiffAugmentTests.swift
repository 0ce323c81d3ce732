import Testing
import Torch
import Training

@Suite struct DiffAugmentTests {
  private let pictures = { () -> Tensor in
    var noise = Noise(seed: 1)
    return noise.uniform([6, 3, 8, 8], from: -1, to: 1, dtype: .float64)
  }()

  @Test func withoutProbabilityNothingChanges() {
    var noise = Noise(seed: 2)
    #expect(DiffAugment()(pictures, probability: 0, noise: &noise).isEqual(to: pictures))
  }

  @Test(arguments: [false, true]) func shiftsMoveThePixelsAndFillWhatIsLeft(mirrorsEdges: Bool) {
    var noise = Noise(seed: 3)
    let x = Tensor.arange(64, dtype: .float32).reshaped([1, 1, 8, 8]).expanded([32, 1, 8, 8]) + 1
    let y = DiffAugment(colour: false, translation: 0.25, cutout: 0, mirrorsEdges: mirrorsEdges)(x, noise: &noise)
    var shifts = Set<[Int]>()
    for n in 0..<32 {
      let (a, b) = (x[n].floats, y[n].floats)
      /// The one shift that explains the picture.
      let found = (-2...2).flatMap { dy in (-2...2).map { [dy, $0] } }.filter { shift in
        (0..<64).allSatisfy { i in
          var (row, column) = (i / 8 - shift[0], i % 8 - shift[1])
          if mirrorsEdges { (row, column) = (7 - Swift.abs(7 - Swift.abs(row)), 7 - Swift.abs(7 - Swift.abs(column))) }
          return b[i] == ((0..<8).contains(row) && (0..<8).contains(column) ? a[row * 8 + column] : 0)
        }
      }
      #expect(found.count == 1)
      shifts.formUnion(found)
    }
    #expect(shifts.count > 10)
  }

  @Test func theCutIsASquareOfHalfTheSide() {
    var noise = Noise(seed: 4)
    let y = DiffAugment(colour: false, translation: 0, cutout: 0.5)(Tensor.ones([64, 3, 8, 8]), noise: &noise)
    let holes = (1 - y).sum(dims: [1, 2, 3]).floats
    // 4 × 4 pixels of 3 channels where the square lies inside, less at the edges, never nothing.
    #expect(holes.max() == 48 && holes.min()! >= 12)
  }

  @Test func colourKeepsThePictureUpToBrightnessSaturationAndContrast() {
    var noise = Noise(seed: 5)
    let x = Tensor.full([16, 3, 8, 8], 0.25)
    let y = DiffAugment(translation: 0, cutout: 0)(x, noise: &noise)
    // An even grey stays even, moved by at most 0.5.
    let spread = (y - y.mean(dims: [1, 2, 3], keepDims: true)).floats
    #expect(spread.allSatisfy { abs($0) < 1e-6 })
    #expect(y.mean(dims: [1, 2, 3]).floats.allSatisfy { $0 >= -0.25 && $0 <= 0.75 })
  }

  @Test func somePicturesAreChangedAtAProbability() {
    var noise = Noise(seed: 6)
    let x = Tensor.ones([200, 1, 8, 8])
    let y = DiffAugment(colour: false, translation: 0)(x, probability: 0.3, noise: &noise)
    let changed = y.sum(dims: [1, 2, 3]).floats.filter { $0 < 64 }.count
    // Binomial(200, 0.3): 60 ± 4 standard deviations of 6.5.
    #expect((34...86).contains(changed))
  }

  /// Central differences of a weighted sum, and of the squared norm of its gradient, as R1 needs it.
  @Test func gradientsAreRightTwice() {
    let weights = { () -> Tensor in
      var noise = Noise(seed: 7)
      return noise.normal([6, 3, 8, 8], dtype: .float64)
    }()
    func value(_ x: Tensor) -> Tensor {
      var noise = Noise(seed: 8)
      return (square(DiffAugment()(x, probability: 0.8, noise: &noise)) * weights).sum()
    }
    func penalty(_ x: Tensor) -> Tensor {
      square(gradients(of: value(x), withRespectTo: [x], createGraph: true)[0]).sum()
    }
    let direction = { () -> Tensor in
      var noise = Noise(seed: 9)
      return noise.normal([6, 3, 8, 8], dtype: .float64)
    }()
    for function in [value, penalty] {
      let x = pictures.cloned().requiringGradient()
      let slope = (gradients(of: function(x), withRespectTo: [x])[0] * direction).sum().item()
      let h = 1e-5
      func at(_ step: Double) -> Double {
        function((pictures + direction * step).requiringGradient()).item()
      }
      let difference = (at(h) - at(-h)) / (2 * h)
      // Both functions are quadratic in x, so only rounding is left: 1e-16 · |value| / h.
      #expect(abs(slope - difference) < 1e-6 * max(1, abs(slope)))
    }
  }
}
