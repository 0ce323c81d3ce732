import Catalogue
import Files
import Foundation
import Jobs

/// What templates are given.
enum Screens {
  static func job(_ card: JobCard, _ call: Call) -> [String: Any] {
    let t = { call.studio.pages.word($0, call.language) }
    let isTraining = card.verb == "train"
    var values: [String: Any] = [
      "id": card.id, "words": card.words, "verb": title(of: card.verb.replacing(" ", with: "-"), call),
      "state": card.state.rawValue,
      "stateWord": t("state.\(card.state.rawValue)"), "percent": Int((card.fraction ?? 0) * 100),
      "hasFraction": card.fraction != nil && !card.state.hasEnded, "isTraining": isTraining, "run": card.run ?? "",
      "canPause": [.waiting, .starting, .running].contains(card.state),
      "canGoOn": [.held, .paused].contains(card.state),
      "canStop": !card.state.hasEnded, "canRetry": [.stopped, .refused, .setAside].contains(card.state),
      "canFinish": isTraining && [.running, .paused, .stopped, .setAside].contains(card.state) && card.saved > 0,
      "canMove": [.waiting, .held].contains(card.state), "pictureCount": card.pictureCount,
      "hasPictures": card.pictureCount > 0,
    ]
    // A template takes what isn't there for nothing, and an empty word for something.
    if let reason = card.reason { values["reason"] = reason }
    return values
  }

  static func size(_ bytes: Int) -> String {
    ByteCountFormatter.string(fromByteCount: Int64(bytes), countStyle: .file)
  }

  static func title(of name: String, _ call: Call) -> String {
    call.studio.pages.has("verb.\(name)")
      ? call.studio.pages.word("verb.\(name)", call.language) : name.replacing("-", with: " ")
  }

  static func verb(_ command: Command, _ call: Call) -> [String: Any] {
    ["name": command.name, "title": title(of: command.name, call), "abstract": command.abstract]
  }

  static func set(_ row: PictureSetRow, _ studio: Studio) throws -> [String: Any] {
    let pictures = try studio.pictures(ofSet: row.id).filter(\.hasThumbnail).prefix(4).map {
      ["set": row.id, "id": $0.id]
    }
    return [
      "id": row.id, "name": row.name, "pictures": row.pictures, "captions": row.captions, "thumbnails": Array(pictures),
    ]
  }

  /// The queue's list: what is under way, what waits, what has ended (the newest fifty).
  static func queue(_ call: Call) async throws -> String {
    let cards = await call.studio.queue.jobs.map { call.card($0) }
    let active = cards.filter { $0.state.isActive }
    let waiting = cards.filter { [.waiting, .held].contains($0.state) }
    let ended = cards.filter { $0.state.hasEnded }.sorted { $0.made > $1.made }.prefix(50)
    func list(_ cards: some Sequence<JobCard>) -> [[String: Any]] { cards.map { job($0, call) } }
    // Up is before the one before it.
    let waits = zip(waiting.indices, list(waiting)).map { place, values in
      place > 0 ? values.merging(["before": waiting[place - 1].id]) { $1 } : values
    }
    return try call.studio.pages.part(
      "queue-list",
      [
        "active": list(active), "waiting": waits, "ended": list(ended), "hasActive": !active.isEmpty,
        "hasWaiting": !waiting.isEmpty,
        "hasEnded": !ended.isEmpty, "isEmpty": cards.isEmpty,
      ], call.language)
  }
}
