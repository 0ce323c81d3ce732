import Networks
import Torch

/// Random mixtures of a trained network's maps, across channels and across scales, which never learn (Sauer et al. 2021,
/// section 3.2): so that discriminators can't live on the few features that are easiest.
public final class RandomMixing: Module {
  /// Channels of each scale, one mixture a map.
  let channels: [Conv2d]
  /// What comes from the next smaller scale, to this one's channels.
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

/// Halves maps down to 4 px and gives a verdict, of each place left and of all; spectrally normalised. It is told how much
/// pictures of a batch differ, so that it notices when all are alike.
final class MapDiscriminator: Module {
  let halvings: [SpectralNorm<Conv2d>]
  let verdict: SpectralNorm<Conv2d>

  init(_ inputs: Int, width: Int, halvings count: Int) {
    halvings = (0..<count).map {
      SpectralNorm(Conv2d($0 == 0 ? inputs : width, width, kernel: 4, stride: 2, padding: 1))
    }
    verdict = SpectralNorm(Conv2d((count == 0 ? inputs : width) + 1, 1, kernel: 3, padding: 1))
  }

  /// [N, C, h, w] to float32 [N, places], higher for more real.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let h = halvings.reduce(x) { leakyRelu($1($0)) }
    return verdict(withMinibatchDeviation(h)).to(.float32).flattened(from: 1)
  }
}

/// One discriminator a scale of what a trained network sees (Sauer et al. 2021, equation 4).
public final class ProjectedDiscriminator: Module {
  let scales: [MapDiscriminator]

  /// - Parameters:
  ///   - widths: channels of the maps, the largest first.
  ///   - sides: of the maps, in pixels.
  init(widths: [Int], sides: [Int], width: Int) {
    scales = zip(widths, sides).map { inputs, side in
      var (halvings, side) = (0, side)
      while side > 4 { (halvings, side) = (halvings + 1, side / 2) }
      return MapDiscriminator(inputs, width: width, halvings: halvings)
    }
  }

  /// Verdicts of each scale, [N, places].
  func callAsFunction(_ maps: [Tensor]) -> [Tensor] { zip(scales, maps).map { $0($1) } }
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
