import func Foundation.pow

import Torch
import Training

extension DiffusionModel {
  /// Steps of noise taken off where something is filled in, and how often each is done, with noise put on again between
  /// (Lugmayr et al. 2022, "RePaint", section 4.2): what is new comes to fit to what stays.
  private static let fillSteps = 24, fillRepeats = 4

  /// The highest noise at which something of a picture is left, as good as all of its shapes gone.
  private static let highestRedrawn = 10.0

  /// Pictures like given ones, redrawn from a part of the noise (SDEdit, Meng et al. 2022).
  func redrawn(_ request: PictureRequest) -> Tensor {
    guard let pictures = request.given else { preconditionFailure("nothing to redraw") }
    let strength = request.strength
    precondition((0...1).contains(strength), "a strength of \(strength)")
    guard strength > 0 else { return pictures }
    // Even to the eye: from a tenth on colours change, at a half things do.
    let sigma =
      strength == 1 ? NoiseLevels.highest : 0.02 * pow(Self.highestRedrawn / 0.02, strength)
    return withoutGradients {
      let codes = inEqualBatches(of: 16, pictures) { coded($0.to(device)).to(.cpu).contiguous() }
      let noise = latents(seeds: request.seeds).reshaped(codes.shape)
      return inEqualBatches(of: 16, codes + noise * sigma) { x in
        finished(drawn(from: x.to(device), sigma, chosen(by: request, x.size(0)), request))
      }
    }
  }

  /// The class that is asked for, of so many pictures; nil for none.
  private func chosen(by request: PictureRequest, _ count: Int) -> Tensor? {
    let chosen = request.className.flatMap { classes.names.firstIndex(of: $0) }
    return chosen.map { classes.oneHot([Int](repeating: $0, count: count), on: device) }
  }

  /// Ancestral steps (Ho et al. 2020), in which what stays is set anew each time with noise of the same level.
  func filled(_ request: PictureRequest) -> Tensor {
    guard let pictures = request.given, let mask = request.mask else { preconditionFailure("nothing to fill") }
    let seeds = request.seeds
    precondition(pictures.size(0) == seeds.count && mask.size(0) == seeds.count, "a seed for each picture")
    let made = seeds.indices.map { i in
      // One by one: each seed's noise is its own, whatever the others are.
      withoutGradients { filled(pictures[i..<i + 1], mask[i..<i + 1], seed: seeds[i], request) }
    }
    return Tensor.concatenated(made)
  }

  private func filled(_ picture: Tensor, _ mask: Tensor, seed: UInt64, _ request: PictureRequest) -> Tensor {
    var noise = Noise(seed: seed)
    let levels = preconditioning.levels(steps: Self.fillSteps, from: NoiseLevels.highest)
    let (known, hole) = (coded(picture.to(device)), coded(mask: mask.to(device)))
    let chosen = chosen(by: request, 1)
    func drawn() -> Tensor { noise.normal(known.shape, on: device) }
    var x = drawn() * levels[0]
    for (sigma, next) in zip(levels, levels.dropFirst()) {
      // High noise decides little, and the last steps nothing that could still be made to fit.
      let repeats = (0.05...20).contains(sigma) ? Self.fillRepeats : 1
      for round in 0..<repeats {
        let estimate = denoise(x, sigma, chosen, guidance: request.guidance)
        // What noise is left to be told from the estimate, and what is drawn anew.
        let fresh = next * (1 - next * next / (sigma * sigma)).squareRoot()
        let kept = next * next / sigma
        let inside = estimate + (x - estimate) * (kept / sigma) + drawn() * fresh
        let outside = known + drawn() * next
        x = inside * hole + outside * (1 - hole)
        if round < repeats - 1 { x = x + drawn() * (sigma * sigma - next * next).squareRoot() }
      }
    }
    let made = finished(x * hole + known * (1 - hole))
    return made * mask + picture * (1 - mask)
  }
}
