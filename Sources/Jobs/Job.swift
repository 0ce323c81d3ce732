import Files
import Foundation

/// A verb of the command line that is to run: what job.json holds. All else about it is in its folder's other files.
public struct Job: Codable, Sendable, Equatable, Identifiable {
  /// What a person last asked for.
  public enum Wish: String, Codable, Sendable, CaseIterable {
    case run
    case hold
    case stop
  }

  /// When it was made and six random digits, so that ids sort by age: also the folder's name.
  public let id: String
  /// As it is typed: ["models", "install"].
  public let verb: [String]
  /// What follows the verb, each a word of its own. `--json` and `--workspace` are added when it runs.
  public let arguments: [String]
  /// What a form gave, by the names of options, so that the same can be asked again; empty where it didn't come from one.
  public let form: [String: [String]]
  public let made: Date
  /// Its place in the queue: the least comes first.
  public var order: Double
  public var wish: Wish
  /// Attempts that a person's retry has forgiven: later ones count.
  public var forgiven: Int
  /// Whether a training is to be brought to its end when it goes on (`train --finish`).
  public var isFinishing: Bool?
  /// Whether it ended elsewhere, and came in with a project: it is never run.
  public var isAdopted: Bool?

  public init(
    verb: [String], arguments: [String], form: [String: [String]] = [:], id: String = Job.newID(), order: Double,
    made: Date = Date()
  ) {
    (self.id, self.verb, self.arguments, self.form, self.order) = (id, verb, arguments, form, order)
    // Whole seconds, as the file has them.
    self.made = Date(timeIntervalSince1970: made.timeIntervalSince1970.rounded(.down))
    (wish, forgiven) = (.run, 0)
  }

  public static func newID() -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "UTC")
    format.dateFormat = "yyyyMMdd-HHmmss"
    return format.string(from: Date()) + String(format: "-%06x", UInt32.random(in: 0..<1 << 24))
  }

  /// Whether a word can be an id: nothing else ever becomes a part of a path.
  public static func isID(_ word: String) -> Bool {
    word.count == 22 && word.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) || $0 == 45 }
  }
}

/// How far a job is. `waiting`, `held`, `starting`, `running`, `paused` and `stopping` have not ended.
public enum JobState: String, Codable, Sendable, CaseIterable {
  case waiting
  /// Waits until a person lets it go on.
  case held
  case starting
  case running
  /// Held in the midst of its work by SIGSTOP.
  case paused
  /// Asked to stop; it saves first.
  case stopping
  case done
  /// Stopped in order by a person.
  case stopped
  /// The command line refused it: the same again would be refused again.
  case refused
  /// Failed, crashed or cut off twice: it waits for a person, and blocks nobody.
  case setAside

  public var hasEnded: Bool { [.done, .stopped, .refused, .setAside].contains(self) }
  /// Whether a process works on it or could at once.
  public var isActive: Bool { [.starting, .running, .paused, .stopping].contains(self) }
  /// Whether it takes one of the places that jobs run in.
  public var takesPlace: Bool { [.starting, .running, .stopping].contains(self) }
}

/// Why a job can't be what is asked.
public enum JobError: Refusal, Equatable {
  case cannotStart(program: String, reason: String)
  case unknown(id: String)
  case notNow(String, state: JobState)

  public var sentence: String {
    switch self {
    case .cannotStart(let program, let reason):
      "\(program) can't be started (\(reason)): build Atelier again with ./atelier, then retry the job."
    case .unknown(let id): "There is no job \(id): look at the queue for those that are there."
    case .notNow(let action, let state):
      "A job that is \(state.rawValue) can't be asked to \(action): reload the page to see how far it is."
    }
  }
  public var status: Int {
    switch self {
    case .cannotStart: 500
    case .unknown: 404
    case .notNow: 409
    }
  }
  public var exitCode: Int32 { if case .unknown = self { 66 } else { 69 } }
}
