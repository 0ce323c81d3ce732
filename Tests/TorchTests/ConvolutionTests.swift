import TestSupport
import Testing
import Torch

/// Convolutions of 3 × 3 that are made by Winograd's way (Sources/CTorch/Winograd.cpp), beside oneDNN's in float64.
@Suite struct ConvolutionTests {
  struct Shape: CustomTestStringConvertible, Sendable {
    let pictures: Int, inputs: Int, outputs: Int, height: Int, width: Int, padding: Int
    var testDescription: String { "\(pictures) × \(inputs) to \(outputs), \(height) × \(width), padding \(padding)" }
  }
  /// Odd sizes, every padding, few and many tiles, weights that are turned in several parts, and maps in several parts.
  static let shapes = [
    Shape(pictures: 2, inputs: 32, outputs: 64, height: 13, width: 10, padding: 1),
    Shape(pictures: 3, inputs: 64, outputs: 48, height: 17, width: 22, padding: 0),
    Shape(pictures: 1, inputs: 64, outputs: 32, height: 9, width: 30, padding: 2),
    Shape(pictures: 16, inputs: 48, outputs: 32, height: 16, width: 17, padding: 1),
    Shape(pictures: 1, inputs: 400, outputs: 368, height: 8, width: 9, padding: 1),
    Shape(pictures: 2, inputs: 64, outputs: 64, height: 90, width: 67, padding: 1),
    Shape(pictures: 2, inputs: 336, outputs: 320, height: 70, width: 40, padding: 1),
  ]

  @Test(arguments: shapes) func valuesAndGradientsAreThoseOfFloat64(_ shape: Shape) {
    var noise = Noise(seed: 11)
    let padding = [shape.padding, shape.padding]
    let x = noise.normal([shape.pictures, shape.inputs, shape.height, shape.width]).channelsLast()
    let scale = 1 / (9 * Double(shape.inputs)).squareRoot()
    let w = (noise.normal([shape.outputs, shape.inputs, 3, 3]) * scale).channelsLast(),
      b = noise.normal([shape.outputs])
    func made(_ dtype: DType, _ seed: Tensor?) -> (y: Tensor, found: [Tensor]) {
      let inputs = [x, w, b].map { $0.to(dtype).detached().requiringGradient() }
      let y = conv2d(inputs[0], inputs[1], inputs[2], padding: padding)
      let seed = (seed ?? y.detached()).to(dtype)
      return (y, gradients(of: (y * seed).sum(), withRespectTo: inputs))
    }
    let exact = made(.float64, nil), ours = made(.float32, exact.y.detached())
    for (a, b) in zip([ours.y] + ours.found, [exact.y] + exact.found) {
      #expect(a.shape == b.shape)
      #expect(apart(a.to(.float64), b) < 1e-5)
    }
  }

  /// As penalties on gradients need.
  @Test func gradientsOfGradientsAreThoseOfFloat64() {
    var noise = Noise(seed: 12)
    let x = noise.normal([4, 32, 12, 12]).channelsLast(), w = (noise.normal([32, 32, 3, 3]) / 17).channelsLast()
    func found(_ dtype: DType) -> [Tensor] {
      let (x, w) = (x.to(dtype).detached().requiringGradient(), w.to(dtype).detached().requiringGradient())
      let y = tanh(conv2d(tanh(conv2d(x, w, padding: [1, 1])), w, padding: [1, 1])).sum()
      let first = gradients(of: y, withRespectTo: [x], createGraph: true)[0]
      return gradients(of: square(first).sum(), withRespectTo: [x, w])
    }
    for (a, b) in zip(found(.float32), found(.float64)) {
      #expect(apart(a.to(.float64), b) < 3e-5)
    }
  }

  /// A picture doesn't change with how it lies in memory, nor with the threads, but for the last bits.
  @Test func layoutAndThreadsDoNotMatter() {
    var noise = Noise(seed: 13)
    let x = noise.normal([3, 64, 24, 24]), w = noise.normal([64, 64, 3, 3]) / 24
    let plain = conv2d(x, w, padding: [1, 1]), ours = conv2d(x.channelsLast(), w.channelsLast(), padding: [1, 1])
    #expect(apart(plain, ours) < 1e-5)
    let before = Threads.count
    defer { Threads.count = before }
    Threads.count = 2
    let two = conv2d(x.channelsLast(), w.channelsLast(), padding: [1, 1])
    #expect(apart(two, ours) < 1e-6)
  }

  #if os(Linux) && arch(x86_64)
    /// A quarter of the multiplications: where these are as many as ever, nothing took oneDNN's place.
    @Test func multiplicationsAreAQuarter() {
      let x = Tensor.ones([2, 32, 16, 16]).channelsLast(), w = Tensor.ones([32, 32, 3, 3])
      let flops = OperatorCosts.watched { _ = conv2d(x, w, padding: [1, 1]) }.reduce(0) { $0 + $1.flops }
      #expect(flops == 2 * 36 * 32 * 32 * 32)
    }
  #endif

  /// The largest difference, as a part of the largest value.
  private func apart(_ a: Tensor, _ b: Tensor) -> Double { abs(a - b).max().item() / abs(b).max().item() }
}
