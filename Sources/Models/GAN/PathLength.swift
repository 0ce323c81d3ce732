import Networks
import Torch
import Training

/// Perceptual path length in w: how much pictures change to a trained network for a small step between two styles, over
/// that step squared (Karras et al. 2019, section 4.1, over whole paths); small where neighbours look alike.
///
/// Steps that are among the smallest or largest hundredth are left out, as published figures have it. Those figures are of
/// LPIPS, these of VGG16's features with all channels alike: only figures of this tool can be compared.
/// - Parameters:
///   - samples: pairs of pictures.
///   - step: ε, as a part of the way.
public func perceptualPathLength(
  of model: some StyleModel, samples: Int = 512, step: Double = 1e-4, seenBy perceptualNetwork: VGG, noise: inout Noise,
  progress: (Int) -> Void = { _ in }
) -> Double {
  withoutGradients {
    let batch = 16
    let lengths = stride(from: 0, to: samples, by: batch).flatMap { start -> [Double] in
      let n = min(batch, samples - start)
      func styles(_ from: Int) -> Tensor {
        model.styles(PictureRequest(latents: model.latents(seeds: (from..<from + n).map { UInt64($0) })))
      }
      let (a, b) = (styles(2 * start), styles(2 * start + n))
      let places = noise.uniform([n, 1, 1], from: 0, to: 1).to(a.device)
      let (here, there) = (lerp(a, b, places), lerp(a, b, places + step))
      let seen = [here, there].map { perceptualNetwork(coloured(model.synthesize($0)), layers: Target.layers) }
      progress(start + n)
      return perceptualDistances(seen[0], seen[1]).doubles.map { $0 / (step * step) }
    }.sorted()
    let cut = samples / 100
    let kept = lengths.dropFirst(cut).dropLast(cut)
    return kept.reduce(0, +) / Double(kept.count)
  }
}
