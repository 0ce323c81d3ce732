/// A loop's time: how far the run is, how fast, and what is due.
public struct Clock {
  public enum Duty: Hashable { case report, sample, save }

  private let length: Length
  private let end: Plan.End?
  /// Seconds and pictures of the run when this clock started.
  private let earlier: Double
  // Not the wall's: a laptop that sleeps doesn't train.
  private let start = SuspendingClock.now
  private var last: [Duty: Double] = [:]
  private var gaps: [Duty: Double] = [:]
  /// Seconds that each took the last time.
  private var costs: [Duty: Double] = [:]
  /// The part of a run's time that each may take.
  static let share = 0.0125
  private var marks: [(seconds: Double, pictures: Int)]

  public init(_ plan: Plan, _ facts: Checkpoint.Facts) {
    (length, end, earlier) = (plan.length, plan.end, facts.seconds)
    marks = [(facts.seconds, facts.picturesSeen)]
  }

  /// Training time of the run so far.
  public var seconds: Double { earlier + (SuspendingClock.now - start) / .seconds(1) }

  /// 0...1 of the run.
  public func fraction(_ facts: Checkpoint.Facts) -> Double {
    guard let end else { return part(facts, after: (0, 0)) }
    return end.fraction + (1 - end.fraction) * part(facts, after: (end.picturesSeen, end.seconds))
  }

  /// 0...1 of what comes after so many pictures and seconds.
  private func part(_ facts: Checkpoint.Facts, after begun: (pictures: Int, seconds: Double)) -> Double {
    let part =
      switch length {
      case .pictures(let total):
        Double(facts.picturesSeen - begun.pictures) / Double(max(1, total - begun.pictures))
      case .minutes(let minutes): (seconds - begun.seconds) / max(1e-9, minutes * 60 - begun.seconds)
      }
    return min(1, max(0, part))
  }

  /// Seconds of the whole run, as far as they are known.
  public func whole(_ facts: Checkpoint.Facts) -> Double {
    switch length {
    case .pictures(let total): seconds * Double(total) / max(Double(facts.picturesSeen), Double(total) * 1e-3)
    case .minutes(let minutes): minutes * 60
    }
  }

  func progress(_ facts: Checkpoint.Facts) -> Progress {
    let fraction = fraction(facts)
    let total =
      switch length {
      case .pictures(let total): total
      case .minutes(let minutes): Int(Double(facts.picturesSeen) * minutes * 60 / max(seconds, minutes * 0.06))
      }
    return Progress(
      picturesSeen: facts.picturesSeen, fraction: fraction, totalPictures: max(total, facts.picturesSeen),
      rateScale: facts.rateScale)
  }

  /// What a duty took; it isn't done so often that it takes more than its share of the time.
  mutating func note(_ duty: Duty, took seconds: Double) { costs[duty] = seconds }

  /// Seconds that a duty took the last time.
  func cost(of duty: Duty) -> Double? { costs[duty] }

  /// Seconds since this clock started that went into something else than steps.
  public private(set) var aside = 0.0
  public mutating func noteAside(since began: Double) { aside += seconds - began }

  /// Whether it is time to do this again. Samples come often at first, when they change most.
  public mutating func isDue(_ duty: Duty, every gap: Double) -> Bool {
    let now = seconds
    var due = duty == .sample ? gaps[duty] ?? min(gap, 5) : gap
    // Who asks for checkpoints every few seconds gets them; else ten minutes of work may be lost at most.
    if duty == .sample || gap >= 60 { due = max(due, min(costs[duty, default: 0] / Self.share, max(gap, 600))) }
    guard now - last[duty, default: earlier] >= due else { return false }
    last[duty] = now
    if duty == .sample { gaps[duty] = min(gap, (gaps[duty] ?? min(gap, 5)) * 1.5) }
    return true
  }

  /// A report, with the rate of the last 20 seconds or so.
  public mutating func report(_ facts: Checkpoint.Facts, _ figures: [Figure]) -> Report {
    let now = seconds
    // After a roll back, pictures count from less.
    marks.removeAll { $0.pictures > facts.picturesSeen }
    marks.append((now, facts.picturesSeen))
    while marks.count > 2 && marks[1].seconds < now - 20 { marks.removeFirst() }
    let gone = now - marks[0].seconds
    let rate = gone > 0 ? Double(facts.picturesSeen - marks[0].pictures) / gone : 0
    let left =
      switch length {
      case .pictures(let total): rate > 0 ? Double(max(0, total - facts.picturesSeen)) / rate : 0
      case .minutes(let minutes): max(0, minutes * 60 - now)
      }
    return Report(
      picturesSeen: facts.picturesSeen, fraction: fraction(facts), seconds: now, picturesPerSecond: rate,
      secondsLeft: left, secondsAside: aside, figures: figures)
  }
}
