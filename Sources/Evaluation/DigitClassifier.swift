import Networks
import Torch

/// A small network that reads digits: what counts the 1,000 modes of Stacked-MNIST.
public final class DigitClassifier: Module {
  let main = Sequential(
    Conv2d(1, 32, kernel: 3, stride: 2, padding: 1), ReLU(), Conv2d(32, 64, kernel: 3, stride: 2, padding: 1), ReLU(),
    Conv2d(64, 128, kernel: 3, stride: 2, padding: 1), ReLU(), Flatten(), Linear(2048, 10))

  public init(noise: inout Noise) { initialize(&noise) }

  /// Logits [N, 10] of pictures [N, 1, 28, 28] in -1...1.
  public func callAsFunction(_ x: Tensor) -> Tensor { main(x) }

  /// The digits [N] in 0...9 of pictures [N, 1, 28, 28].
  public func digits(_ x: Tensor) -> [Int] { withoutGradients { main(x).argmax(dim: 1) }.ints }

  /// Trains on all but the last tenth, each batch shifted by up to 2 pixels.
  ///
  /// - Parameters:
  ///   - pictures: [N, 1, 28, 28] in -1...1, in random order.
  ///   - labels: [N] in 0...9.
  /// - Returns: the share of right answers on the last tenth.
  public func train(on pictures: Tensor, labels: [Int], epochs: Int = 12, noise: inout Noise) -> Double {
    let (count, batch) = (pictures.size(0) * 9 / 10, 50)
    let answers = Tensor(labels)
    let optimizer = Adam(parameters, rate: 1e-3)
    for epoch in 0..<epochs {
      optimizer.rate = 1e-3 * (1 - Double(epoch) / Double(epochs))
      let order = noise.permutation(count)
      for start in stride(from: 0, to: count - batch + 1, by: batch) {
        let indices = Tensor(Array(order[start..<start + batch]))
        let shift = noise.integers(below: 5, count: 2).map { $0 - 2 }
        let x = pictures[indices].rolled(by: shift, dims: [2, 3])
        optimizer.step(minimizing: crossEntropy(main(x), answers[indices]))
      }
    }
    let right = zip(digits(pictures[count..<pictures.size(0)]), labels[count...]).count { $0 == $1 }
    return Double(right) / Double(pictures.size(0) - count)
  }
}

/// Modes of Stacked-MNIST (Srivastava et al. 2017): three digits, one a colour, make a number in 0..<1000.
///
/// - Parameter pictures: [N, 3, 28, 28] in -1...1.
public func stackedDigitModes(_ pictures: Tensor, by classifier: DigitClassifier) -> [Int] {
  let n = pictures.size(0)
  let digits = classifier.digits(pictures.contiguous().reshaped([3 * n, 1, 28, 28]))
  return (0..<n).map { digits[3 * $0] * 100 + digits[3 * $0 + 1] * 10 + digits[3 * $0 + 2] }
}
