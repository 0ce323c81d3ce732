import Catalogue
import Files
import Foundation
import Jobs

/// A job as pages and the API show it: ids in place of paths.
struct JobCard: Codable, Sendable, Equatable {
  struct Made: Codable, Sendable, Equatable {
    let id: String
    let kind: String
    let seed: Double?
  }

  let id: String
  let verb: String
  /// As it would be typed, with names in place of paths.
  let words: String
  let made: Date
  let state: JobState
  let attempts: Int
  let reason: String?
  let fraction: Double?
  let secondsLeft: Double?
  let task: String?
  let done: Int?
  let total: Int?
  let reading: Story.Reading?
  /// Of a training: the run's id, once it has begun.
  let run: String?
  /// Counts the sheets of samples, so that a page knows a new one.
  let sheet: String?
  let saved: Int
  let bestPicturesSeen: Int?
  let notes: [String]
  let trouble: String?
  /// The newest hundred, and how many there are.
  let pictures: [Made]
  let pictureCount: Int
  let form: [String: [String]]

  init(_ view: JobView, workspace: String) {
    let (job, story) = (view.job, view.story)
    func inside(_ path: String) -> String? {
      path.hasPrefix(workspace + "/") ? String(path.dropFirst(workspace.count + 1)) : nil
    }
    id = job.id
    verb = job.verb.joined(separator: " ")
    words = (job.verb + job.arguments.filter { !$0.contains("/jobs/\(job.id)/") && !$0.contains("/studio/") }).map {
      word in
      if word.hasPrefix("/") { return (word as NSString).lastPathComponent }
      // --option=/home/ada/cats
      guard let start = word.range(of: "=/"), let end = word.range(of: "/", options: .backwards) else { return word }
      return word[..<start.lowerBound] + "=" + word[end.upperBound...]
    }.joined(separator: " ")
    (made, state, attempts, reason, form) = (job.made, view.state, view.attempts, view.reason, job.form)
    (fraction, secondsLeft, task, done, total) = (
      story.fraction, story.secondsLeft, story.task, story.done, story.total
    )
    (reading, saved, bestPicturesSeen) = (story.reading, story.saved, story.bestPicturesSeen)
    (notes, trouble) = (story.notes, story.trouble)
    run = story.run.flatMap(inside).map(catalogueID)
    sheet = story.sheet.map { (($0 as NSString).lastPathComponent as NSString).deletingPathExtension }
    pictures = story.made.suffix(100).compactMap { made in
      inside(made.path).map { Made(id: catalogueID($0), kind: made.kind, seed: made.seed) }
    }
    pictureCount = story.made.count
  }
}
