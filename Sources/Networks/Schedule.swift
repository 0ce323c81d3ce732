import Foundation

/// A number that changes during a run, as a function of the fraction 0...1 of the run that is done.
///
/// ```swift
/// let rate = Schedule.cosine(from: 2e-4, to: 5e-5).warmedUp(over: 0.02)
/// optimizer.rate = rate(progress.fraction)
/// ```
public struct Schedule: Sendable {
  private let value: @Sendable (Double) -> Double

  public init(_ value: @escaping @Sendable (Double) -> Double) { self.value = value }

  public func callAsFunction(_ fraction: Double) -> Double { value(min(max(fraction, 0), 1)) }

  public static func constant(_ value: Double) -> Schedule { Schedule { _ in value } }

  /// A straight line; constant before and after `period`.
  public static func linear(from start: Double, to end: Double, during period: ClosedRange<Double> = 0...1) -> Schedule
  {
    Schedule { start + (end - start) * position(of: $0, in: period) }
  }

  /// Half a cosine (Loshchilov and Hutter 2017, equation 5); constant before and after `period`.
  public static func cosine(from start: Double, to end: Double, during period: ClosedRange<Double> = 0...1) -> Schedule
  {
    Schedule { end + (start - end) * (1 + cos(.pi * position(of: $0, in: period))) / 2 }
  }

  /// The same ratio in the same time; constant before and after `period`. Both ends are above 0.
  public static func exponential(
    from start: Double, to end: Double, during period: ClosedRange<Double> = 0...1
  ) -> Schedule {
    precondition(start > 0 && end > 0, "An exponential schedule goes between numbers above 0, not \(start) and \(end).")
    return Schedule { start * pow(end / start, position(of: $0, in: period)) }
  }

  /// `value` until the fraction `end`, then the next step's; the last one needs no end.
  public static func steps(_ steps: [(value: Double, until: Double)]) -> Schedule {
    precondition(!steps.isEmpty, "A schedule of steps needs at least one.")
    return Schedule { fraction in (steps.first { fraction < $0.until } ?? steps[steps.count - 1]).value }
  }

  /// Rises in a straight line from 0 over the first `share` of the run.
  public func warmedUp(over share: Double) -> Schedule {
    Schedule { [value] fraction in value(fraction) * (share > 0 ? min(fraction / share, 1) : 1) }
  }

  private static func position(of fraction: Double, in period: ClosedRange<Double>) -> Double {
    let length = period.upperBound - period.lowerBound
    if length <= 0 { return fraction < period.lowerBound ? 0 : 1 }
    return min(max((fraction - period.lowerBound) / length, 0), 1)
  }
}
