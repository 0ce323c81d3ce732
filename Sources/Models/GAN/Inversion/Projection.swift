import Networks
import Torch
import Training

import func Foundation.cos

/// Finds what a generator makes a given picture from: styles for each layer ("W+", Abdal et al. 2019; Karras et al. 2020,
/// section 5), then weights that are tuned to make exactly it (pivotal tuning, Roich et al. 2021).
public struct Projection: Sendable {
  public var steps = 400  // Steps on the styles.
  public var tuningSteps = 250  // Steps on the generator's weights.
  public var rate = 0.05  // Adam's learning rate on styles, in their own deviations; rises and falls.
  public var tuningRate = 1e-3  // Adam's on weights.
  public var enough = 0.03  // Distance at which tuning ends: further costs other pictures more than it gives.
  public var locality = 1.0  // Weight of what the generator makes of other styles staying as it was; 0 for none.
  public var neighbours = 64  // Other styles that are held so.
  public var pixels = 1.0  // Weight of the mean square error of pixels in -1...1, beside what VGG16 sees.
  public var restlessness = 0.05  // Noise on the styles at the beginning, in their own deviations.

  public init() {}

  /// - Parameters:
  ///   - pictures: [N, 3 or 4, H, W] in -1...1, of the model's size.
  ///   - progress: is told what part is done; false stops, and gives nil.
  /// - Returns: styles [N, layers, D] on the CPU.
  public func styles(
    of pictures: Tensor, in model: some StyleModel, seenBy perceptualNetwork: VGG, noise: inout Noise,
    on device: Device = .cpu,
    progress: (Double) -> Bool = { _ in true }
  ) -> Tensor? {
    let n = pictures.size(0)
    let target = Target(pictures.to(device), perceptualNetwork)
    let many = model.styles(PictureRequest(seeds: Array(0..<1000)))
    // In w's own deviation, over all its numbers, since some hardly vary.
    let mean = many.mean(dims: [0], keepDims: true)
    let spread = sqrt(square(many - mean).mean()).item()
    let found = mean.expanded([n] + mean.shape.dropFirst()).contiguous().cloned().requiringGradient()
    let optimizer = Adam([found], rate: rate)
    for step in 0..<steps {
      let t = Double(step) / Double(steps)
      let rise = min(1, t / 0.05), fall = min(1, (1 - t) / 0.25)
      optimizer.rate = rate * spread * rise * (0.5 - 0.5 * cos(.pi * fall))
      let calm = max(0, 1 - t / 0.75)
      let shaken = found + noise.normal(found.shape, on: device) * (spread * restlessness * calm * calm)
      // Each picture's loss is its own: they don't share anything.
      let loss = target.distance(model.synthesize(shaken), perceptualNetwork, pixels) * Double(n)
      optimizer.step(minimizing: loss)
      guard progress(Double(step + 1) / Double(steps)) else { return nil }
    }
    return found.detached().to(.cpu)
  }

  /// Tunes the model's generator so that styles make one picture, and holds what it makes of others: between these
  /// styles and seeds' (locality regularisation, Roich et al. 2021, section 3.3).
  ///
  /// - Parameters:
  ///   - styles: [1, layers, D].
  ///   - picture: [1, 3 or 4, H, W] in -1...1.
  ///   - progress: as in `styles`; when it stops, the weights are those of the last step.
  public func tune(
    _ model: some StyleModel, to picture: Tensor, from styles: Tensor, seenBy perceptualNetwork: VGG,
    noise: inout Noise,
    on device: Device = .cpu, progress: (Double) -> Bool = { _ in true }
  ) {
    let network = model.synthesizer
    let target = Target(picture.to(device), perceptualNetwork), styles = styles.to(device)
    let held = locality > 0 ? others(of: model, around: styles, &noise) : nil
    network.setRequiresGradient(true)
    defer { network.setRequiresGradient(false) }
    let optimizer = Adam(network.state.map(\.tensor).filter(\.requiresGradient), rate: tuningRate)
    for step in 0..<tuningSteps {
      let fall = min(1, (1 - Double(step) / Double(tuningSteps)) / 0.5)
      optimizer.rate = tuningRate * fall
      // What comes before styles has no part in it.
      var loss = target.distance(model.synthesize(styles), perceptualNetwork, pixels)
      if loss.item() < enough {
        _ = progress(1)
        return
      }
      if let held {
        let which = Tensor(noise.integers(below: neighbours, count: 2))
        let before = Target(held.pictures[which], perceptualNetwork)
        loss = loss + before.distance(model.synthesize(held.styles[which]), perceptualNetwork, pixels) * locality
      }
      optimizer.step(gradientsIfUsed(of: loss, withRespectTo: optimizer.parameters))
      guard progress(Double(step + 1) / Double(tuningSteps)) else { return }
    }
  }

  /// Styles between these and seeds', and what is made of them before anything is tuned.
  private func others(
    of model: some StyleModel, around styles: Tensor, _ noise: inout Noise
  ) -> (styles: Tensor, pictures: Tensor) {
    withoutGradients {
      let seeds = (0..<neighbours).map { UInt64($0) }
      let far = model.styles(PictureRequest(seeds: seeds))
      let places = noise.uniform([neighbours, 1, 1], from: 0.2, to: 1).to(styles.device)
      let between = lerp(styles.expanded(far.shape), far, places)
      let made = stride(from: 0, to: neighbours, by: 16).map { start in
        model.synthesize(between[start..<min(start + 16, neighbours)])
      }
      return (between, Tensor.concatenated(made))
    }
  }
}

/// The target of an inversion.
struct Target {
  static let layers = [VGG.Layer(1, 2), VGG.Layer(2, 2), VGG.Layer(3, 3), VGG.Layer(4, 3)]
  private let pictures: Tensor, features: [Tensor]

  init(_ pictures: Tensor, _ perceptualNetwork: VGG) {
    self.pictures = pictures
    features = withoutGradients { perceptualNetwork(coloured(pictures), layers: Self.layers) }
  }

  /// The mean over pictures; rank 0.
  func distance(_ made: Tensor, _ perceptualNetwork: VGG, _ pixels: Double) -> Tensor {
    let error = square(made - pictures).mean()
    return perceptualDistance(perceptualNetwork(coloured(made), layers: Self.layers), features) + error * pixels
  }
}

/// Pictures in -1...1 as VGG takes them: three colours in 0...1; of transparent ones what is on grey, grey ones thrice.
func coloured(_ x: Tensor) -> Tensor {
  let x = x * 0.5 + 0.5
  switch x.size(1) {
  case 1: return x.expanded([x.size(0), 3, x.size(2), x.size(3)])
  case 4:
    let alpha = x.narrowed(dim: 1, from: 3, count: 1)
    // Colours are times alpha already.
    return x.narrowed(dim: 1, from: 0, count: 3) + (1 - alpha) * 0.5
  default: return x
  }
}

extension VGG {
  /// As `perceptualDistance(_:_:by:)`, of pictures [1, C, H, W] in -1...1, grey or with alpha as well.
  public func distance(_ a: Tensor, _ b: Tensor) -> Double {
    perceptualDistance(coloured(clamp(a, min: -1, max: 1)), coloured(clamp(b, min: -1, max: 1)), by: self)
  }
}
