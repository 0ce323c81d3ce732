/// Which numbers of a picture mean black and white, where its format leaves that open: floating point, and integers of 32
/// bits or with a sign.
public enum NumericRange: Double, Codable, Sendable, CaseIterable {
  case unit = 1
  case bytes = 255
  case words = 65_535
  case whole = 4_294_967_295

  /// What the numbers reach tells, if it tells: black is 0, and white is 1, 255, 65,535 or 2³² - 1. A resampler's overshoot
  /// of a twentieth is cut off.
  ///
  /// - Returns: nil where some are below 0 by more than a twentieth of white, or where white can't be told: those that reach 3 may be light brighter than
  ///   white, and those that reach 1,000 may have 10 bits.
  init?(of values: ClosedRange<Double>, isFloat: Bool) {
    let most = values.upperBound
    let found = Self.allCases.first { range in
      let white = range.rawValue
      let darkest: Double =
        switch range {
        case .unit: 0
        case .bytes: 8
        case .words: 4096
        case .whole: 1e8
        }
      return most >= darkest && most <= 1.05 * white && values.lowerBound >= -0.05 * white
        && (isFloat || range != .unit || most <= 0)
    }
    guard let found else { return nil }
    self = found
  }

  /// "0 to 255".
  public var words: String {
    switch self {
    case .unit: "0 to 1"
    case .bytes: "0 to 255"
    case .words: "0 to 65,535"
    case .whole: "0 to 4,294,967,295"
    }
  }
}
