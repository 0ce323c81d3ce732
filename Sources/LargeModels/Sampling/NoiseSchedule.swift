import Foundation

/// What a denoiser answers.
public enum Prediction: String, Sendable, CaseIterable, Codable {
  /// The noise ε (Ho et al. 2020).
  case noise
  /// v = α ε − σ x (Salimans and Ho 2022, section 4).
  case velocity
}

/// How steps are spread over the 1,000 that a model was trained on (Lin et al. 2024, table 2; Karras et al. 2022, equation 5).
public enum Spacing: String, Sendable, CaseIterable, Codable {
  /// Every n-th step from the first on.
  case leading
  /// Evenly, both ends included.
  case linspace
  /// Every n-th step back from the last: what distilled models need.
  case trailing
  /// Noise levels evenly spaced in σ^(1/7).
  case karras
  /// Noise levels evenly spaced in log σ.
  case exponential
}

/// How much noise each step of training had: x = α·picture + σ·noise, α² + σ² = 1.
public struct NoiseSchedule: Equatable, Sendable {
  public enum Betas: String, Sendable {
    case linear
    case scaledLinear = "scaled_linear"
    case cosine = "squaredcos_cap_v2"
  }
  public var trainedSteps = 1000
  public var betaStart = 0.00085
  public var betaEnd = 0.012
  public var betas = Betas.scaledLinear
  public var prediction = Prediction.noise
  /// What the model's own files say.
  public var spacing = Spacing.leading
  /// Which steps `karras` and `exponential` take their highest and lowest noise from: the one of the other three that the files say.
  public var evenSpacing = Spacing.leading
  public var sampler: Sampler?
  /// Added to each step of `leading`.
  public var offset = 1
  /// Whether the last step has no signal left (Lin et al. 2024, algorithm 1).
  public var hasZeroTerminal = false
  /// Whether DDIM ends at the picture itself, in place of the first step's level.
  public var endsWithoutNoise = false
  /// LCM: how many steps it was distilled on, and by what a step is multiplied in its boundary condition.
  public var distilledSteps = 50
  public var timestepScale = 10.0

  public init() {}

  /// ᾱ of each trained step: the signal's share α².
  public func signalShares() -> [Double] {
    let last = Double(trainedSteps - 1)
    var betas = (0..<trainedSteps).map { step -> Double in
      let part = Double(step) / last
      switch self.betas {
      case .linear: return betaStart + (betaEnd - betaStart) * part
      case .scaledLinear:
        let root = betaStart.squareRoot() + (betaEnd.squareRoot() - betaStart.squareRoot()) * part
        return root * root
      case .cosine:
        func share(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
        let (from, to) = (Double(step) / Double(trainedSteps), Double(step + 1) / Double(trainedSteps))
        return min(1 - share(to) / share(from), 0.999)
      }
    }
    for i in betas.indices { betas[i] = 1 - betas[i] }
    var shares: [Double] = []
    for alpha in betas { shares.append((shares.last ?? 1) * alpha) }
    guard hasZeroTerminal else { return shares }
    let roots = shares.map { $0.squareRoot() }
    let (first, final) = (roots[0], roots[trainedSteps - 1])
    return roots.map { pow(($0 - final) * first / (first - final), 2) }
  }
}

/// A noise level and the step that a network knows it by.
public struct NoiseLevel: Equatable, Sendable {
  /// In 0...999; between whole numbers for some samplers.
  public let timestep: Double
  /// The picture's part in the latents.
  public let alpha: Double
  /// The noise's deviation in them.
  public let sigma: Double

  /// Noise beside a picture of full strength (σ of Karras et al. 2022).
  public var ratio: Double { sigma / alpha }
  /// log(α / σ), half of the log of the signal-to-noise ratio.
  var lambda: Double { log(alpha) - log(sigma) }

  init(timestep: Double, share: Double) {
    (self.timestep, alpha, sigma) = (timestep, share.squareRoot(), (1 - share).squareRoot())
  }
  init(timestep: Double, ratio: Double) {
    self.timestep = timestep
    alpha = 1 / (1 + ratio * ratio).squareRoot()
    sigma = ratio * alpha
  }
  /// No noise.
  static let clean = NoiseLevel(timestep: 0, ratio: 0)
}

extension NoiseSchedule {
  /// The noise levels of a sampler's steps, falling, `steps + 1` of them: the last is where it ends.
  ///
  /// - Throws: `LargeModelError.badSetting`.
  public func levels(_ sampler: Sampler, _ spacing: Spacing, steps: Int) throws(LargeModelError) -> [NoiseLevel] {
    guard (1...trainedSteps).contains(steps) else {
      throw .badSetting("steps \(steps)", why: "use 1 to \(trainedSteps)")
    }
    switch sampler {
    case .lcm: return try consistencyLevels(steps)
    case .ddim: return try straightLevels(spacing, steps)
    case .euler, .eulerAncestral, .heun, .solver, .solverSDE, .uniPC: break
    }
    var shares = signalShares()
    // Not quite without signal, so that the first ratio is a number.
    if hasZeroTerminal { shares[trainedSteps - 1] = pow(2, -24) }
    let ratios = shares.map { ((1 - $0) / $0).squareRoot() }
    let isMultistep = [.solver, .solverSDE, .uniPC].contains(sampler)
    let evenly = spacing.isEven ? spacing : evenSpacing
    let times = timesteps(evenly, steps, isMultistep: isMultistep)
    let chosen = times.map { interpolated(ratios, at: $0) }
    guard !spacing.isEven else {
      return zip(times, chosen).map { NoiseLevel(timestep: $0, ratio: $1) } + [.clean]
    }
    // Between the highest and lowest of what would be chosen evenly, or of all, as the solvers do.
    let (high, low) = isMultistep ? (ratios.last!, ratios[0]) : (chosen[0], chosen.last!)
    let logs = ratios.map { log($0) }
    return (0..<steps).map { i in
      let part = steps > 1 ? Double(i) / Double(steps - 1) : 0
      let ratio =
        spacing == .karras
        ? pow(pow(high, 1 / 7.0) + part * (pow(low, 1 / 7.0) - pow(high, 1 / 7.0)), 7)
        : exp(log(high) + part * (log(low) - log(high)))
      var time = position(of: log(ratio), in: logs)
      // Whole steps; cut in diffusers, whose rounding leaves the first one just below 999.
      if isMultistep { time = spacing == .karras ? time.rounded(.toNearestOrEven) : max(0, time - 1e-6).rounded(.down) }
      return NoiseLevel(timestep: time, ratio: ratio)
    } + [.clean]
  }

  /// Steps of training, falling.
  private func timesteps(_ spacing: Spacing, _ steps: Int, isMultistep: Bool) -> [Double] {
    let all = Double(trainedSteps)
    switch spacing {
    case .trailing:
      return (0..<steps).map { max(0, (all - Double($0) * all / Double(steps)).rounded(.toNearestOrEven) - 1) }
    case .leading:
      // Solvers of several steps leave a place for the end.
      let stride = trainedSteps / (steps + (isMultistep ? 1 : 0))
      let first = isMultistep ? 1 : 0
      return (0..<steps).reversed().map { Double(min(($0 + first) * stride + offset, trainedSteps - 1)) }
    default:
      guard !isMultistep else {
        return (0..<steps).map { ((all - 1) * Double(steps - $0) / Double(steps)).rounded(.toNearestOrEven) }
      }
      return (0..<steps).reversed().map { steps > 1 ? (all - 1) * Double($0) / Double(steps - 1) : 0 }
    }
  }

  /// DDIM's: whole steps, and the end one stride below the last.
  private func straightLevels(_ spacing: Spacing, _ steps: Int) throws(LargeModelError) -> [NoiseLevel] {
    guard spacing.isEven else {
      throw .badSetting(
        "schedule \(spacing.rawValue)", why: "DDIM goes by the steps of training: use leading, linspace or trailing")
    }
    let shares = signalShares()
    let times = timesteps(spacing, steps, isMultistep: false).map { $0.rounded(.toNearestOrEven) }
    let before = Int(times[steps - 1]) - trainedSteps / steps
    let last = before >= 0 ? shares[before] : endsWithoutNoise ? 1 : shares[0]
    return times.map { NoiseLevel(timestep: $0, share: shares[Int($0)]) } + [NoiseLevel(timestep: 0, share: last)]
  }

  /// LCM's: some of the steps that it was distilled on.
  private func consistencyLevels(_ steps: Int) throws(LargeModelError) -> [NoiseLevel] {
    guard steps <= distilledSteps else {
      throw .badSetting("steps \(steps)", why: "LCM was distilled on \(distilledSteps): use 4 to 8")
    }
    let (shares, stride) = (signalShares(), trainedSteps / distilledSteps)
    let known = (1...distilledSteps).reversed().map { $0 * stride - 1 }
    return (0..<steps).map { i in
      let time = known[i * distilledSteps / steps]
      return NoiseLevel(timestep: Double(time), share: shares[time])
    } + [.clean]
  }

  private func interpolated(_ values: [Double], at place: Double) -> Double {
    let low = min(max(Int(place), 0), values.count - 1), high = min(low + 1, values.count - 1)
    return values[low] + (values[high] - values[low]) * (place - Double(low))
  }

  /// Where a value lies between rising ones.
  private func position(of value: Double, in values: [Double]) -> Double {
    let above = values.firstIndex { $0 > value } ?? values.count
    let low = min(max(above - 1, 0), values.count - 2)
    let part = (value - values[low]) / (values[low + 1] - values[low])
    return Double(low) + min(max(part, 0), 1)
  }
}

extension Spacing {
  /// Whether it goes by steps of training.
  var isEven: Bool { self != .karras && self != .exponential }
}

extension NoiseSchedule {
  /// A diffusers folder's `scheduler_config.json`.
  init(_ json: JSONFile) throws(LargeModelError) {
    trainedSteps = json.int("num_train_timesteps") ?? 1000
    guard (2...100_000).contains(trainedSteps) else {
      throw .damaged(path: json.path, why: "it was trained on \(trainedSteps) steps")
    }
    betaStart = json.double("beta_start") ?? 0.0001
    betaEnd = json.double("beta_end") ?? 0.02
    guard let betas = Betas(rawValue: json.string("beta_schedule") ?? "linear"), json["trained_betas"] == nil else {
      throw .unsupported(path: json.path, what: "a beta_schedule '\(json.string("beta_schedule") ?? "trained_betas")'")
    }
    self.betas = betas
    switch json.string("prediction_type") ?? "epsilon" {
    case "epsilon": prediction = .noise
    case "v_prediction": prediction = .velocity
    case let other: throw .unsupported(path: json.path, what: "a prediction_type '\(other)'")
    }
    let kind = json.string("_class_name") ?? ""
    sampler = Sampler.allCases.first { $0.className.map(kind.hasPrefix) ?? false }
    if kind.hasPrefix("DPMSolver"), (json.string("algorithm_type") ?? "").hasPrefix("sde") { sampler = .solverSDE }
    // What diffusers' classes take where a file says nothing.
    let usual = ["DDIM", "PNDM", "LCM"].contains(where: kind.hasPrefix) || kind.isEmpty ? Spacing.leading : .linspace
    guard let spacing = json.string("timestep_spacing").map(Spacing.init(rawValue:)) ?? usual else {
      throw .unsupported(path: json.path, what: "a timestep_spacing '\(json.string("timestep_spacing") ?? "")'")
    }
    (self.spacing, evenSpacing) = (spacing, spacing.isEven ? spacing : usual)
    if json.bool("use_karras_sigmas") == true { self.spacing = .karras }
    if json.bool("use_exponential_sigmas") == true { self.spacing = .exponential }
    offset = json.int("steps_offset") ?? 0
    hasZeroTerminal = json.bool("rescale_betas_zero_snr") ?? false
    endsWithoutNoise = json.bool("set_alpha_to_one") ?? !kind.hasPrefix("PNDM")
    distilledSteps = json.int("original_inference_steps") ?? 50
    timestepScale = json.double("timestep_scaling") ?? 10
  }
}
