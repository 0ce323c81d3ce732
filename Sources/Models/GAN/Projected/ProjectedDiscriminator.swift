import Networks
import Torch

/// Random mixtures of a trained network's maps, across channels and across scales, which never learn (Sauer et al. 2021,
/// section 3.2): so that discriminators can't live on the few features that are easiest.
public final class RandomMixing: Module {
  /// Channels of each scale, one mixture a map.
  let channels: [Conv2d]
  /// Projects the next smaller scale to this one's channels.
  let scales: [Conv2d]

  /// - Parameters:
  ///   - inputs: channels of the maps, the largest map first.
  ///   - widths: of the mixtures.
  init(_ inputs: [Int], widths: [Int]) {
    channels = zip(inputs, widths).map { Conv2d($0, $1, kernel: 1, bias: false) }
    scales = zip(widths.dropFirst(), widths).map { Conv2d($0, $1, kernel: 3, padding: 1, bias: false) }
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    for conv in channels + scales { Initialization.fanIn(gain: 1).fill(conv.weight, nil, &noise) }
  }

  /// Maps, the largest first, to as many mixtures of the same sizes.
  func callAsFunction(_ maps: [Tensor]) -> [Tensor] {
    var mixed: [Tensor] = []
    for i in maps.indices.reversed() {
      let own = channels[i](maps[i])
      guard let smaller = mixed.last else {
        mixed.append(own)
        continue
      }
      let size = [own.size(2), own.size(3)]
      mixed.append(own + scales[i](interpolate(smaller, size: size, mode: .bilinear)))
    }
    return mixed.reversed()
  }
}

/// Halves maps down to 8 px a side and gives verdicts, each of 4×4 places; spectrally normalised.
///
/// Batches are normalised, those of real and of generated pictures each by themselves: without that the hinge loss leaves
/// all generated pictures alike.
final class MapDiscriminator: Module {
  let halvings: [SpectralNorm<Conv2d>]
  let norms: [BatchNorm2d]
  let verdict: SpectralNorm<Conv2d>
  /// What a class' features are like: the verdict is the higher the more they are (Miyato and Koyama 2018).
  let classEmbedding: Linear?

  /// - Parameter size: of the maps.
  init(_ inputs: Int, width: Int, size: PictureSize, classes: Int) {
    var (count, size) = (0, size)
    while size.shorter > 8 { (count, size) = (count + 1, size / 2) }
    halvings = (0..<count).map {
      SpectralNorm(Conv2d($0 == 0 ? inputs : width, width, kernel: 4, stride: 2, padding: 1, bias: false))
    }
    norms = (0..<count).map { _ in BatchNorm2d(width, tracksStatistics: false) }
    let last = count == 0 ? inputs : width
    verdict = SpectralNorm(Conv2d(last, 1, kernel: min(4, size.shorter), bias: false))
    classEmbedding = classes > 0 ? Linear(classes, last, bias: false) : nil
  }

  var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let classEmbedding { Initialization.zero.fill(classEmbedding.weight, nil, &noise) }
  }

  /// [N, C, h, w] to float32 [N, places], higher for more real.
  ///
  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  func callAsFunction(_ x: Tensor, classes: Tensor?) -> Tensor {
    let h = zip(halvings, norms).reduce(x) { x, layer in leakyRelu(layer.1(layer.0(x)), slope: 0.2) }
    let verdicts = verdict(h).to(.float32).flattened(from: 1)
    guard let classEmbedding, let classes else { return verdicts }
    let found = h.to(.float32).mean(dims: [2, 3])
    return verdicts + (classEmbedding(classes).to(.float32) * found).sum(dims: [1], keepDims: true)
  }
}

/// One discriminator a scale of what a trained network sees (Sauer et al. 2021, equation 4).
public final class ProjectedDiscriminator: Module {
  let scales: [MapDiscriminator]

  /// - Parameters:
  ///   - widths: channels of the maps, the largest first.
  ///   - sizes: of the maps.
  ///   - width: the discriminators' own channels.
  init(widths: [Int], sizes: [PictureSize], width: Int, classes: Int = 0) {
    scales = zip(widths, sizes).map { MapDiscriminator($0, width: width, size: $1, classes: classes) }
  }

  /// Verdicts of each scale, [N, places].
  func callAsFunction(_ maps: [Tensor], classes: Tensor? = nil) -> [Tensor] {
    zip(scales, maps).map { $0($1, classes: classes) }
  }
}

/// The hinge loss of a discriminator (Lim and Ye 2017), summed over scales.
func hingeLoss(real: [Tensor], fake: [Tensor]) -> Tensor {
  let each = zip(real, fake).map { relu(1 - $0).mean() + relu(1 + $1).mean() }
  return each.dropFirst().reduce(each[0], +)
}

/// The generator's, summed over scales: what it makes should be called real.
func hingeLossOfGenerator(_ fake: [Tensor]) -> Tensor {
  let each = fake.map { -$0.mean() }
  return each.dropFirst().reduce(each[0], +)
}
