/// A way from noise to a picture.
public enum Sampler: String, Sendable, CaseIterable, Codable {
  /// Straight along the slope (Karras et al. 2022, algorithm 1 without its second half).
  case euler
  /// Euler's steps with new noise after each.
  case eulerAncestral = "euler-a"
  /// Two evaluations a step (Karras et al. 2022, algorithm 1).
  case heun
  /// DPM-Solver++ 2M (Lu et al. 2022, algorithm 2).
  case solver = "dpm++2m"
  /// Its stochastic kind.
  case solverSDE = "dpm++2m-sde"
  /// Song et al. 2021, with η = 0.
  case ddim
  /// Predictor and corrector of second order (Zhao et al. 2023).
  case uniPC = "unipc"
  /// Of latent consistency models (Luo et al. 2023).
  case lcm

  /// How diffusers' class begins that draws so.
  var className: String? {
    switch self {
    case .euler: "EulerDiscrete"
    case .eulerAncestral: "EulerAncestral"
    case .heun: "HeunDiscrete"
    case .solver: "DPMSolverMultistep"
    case .solverSDE: nil
    case .ddim: "DDIM"
    case .uniPC: "UniPC"
    case .lcm: "LCM"
    }
  }

  /// How others name it, as in A1111's text.
  public var title: String {
    switch self {
    case .euler: "Euler"
    case .eulerAncestral: "Euler a"
    case .heun: "Heun"
    case .solver: "DPM++ 2M"
    case .solverSDE: "DPM++ 2M SDE"
    case .ddim: "DDIM"
    case .uniPC: "UniPC"
    case .lcm: "LCM"
    }
  }

  /// Whether each step adds new noise.
  public var isStochastic: Bool { [.eulerAncestral, .solverSDE, .lcm].contains(self) }
}
