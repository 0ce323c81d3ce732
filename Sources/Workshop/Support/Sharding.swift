import Foundation
import Media
import Torch

extension Shard {
  /// - Parameters:
  ///   - words: "3/16"; "auto" for a task of a Slurm array (SLURM_ARRAY_TASK_ID, _MIN, _COUNT); "auto/16" for an index of a Kubernetes Job
  ///     (JOB_COMPLETION_INDEX, from 0 on), or a Slurm task of so many.
  ///   - environment: the process's variables.
  /// - Throws: `ShardError`.
  public init(words: String, environment: [String: String]) throws(ShardError) {
    let parts = words.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    func number(_ name: String) -> Int? { environment[name].flatMap(Int.init) }
    guard parts.first == "auto" else {
      guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]),
        let shard = Shard(number, of: count)
      else { throw .bad(words) }
      self = shard
      return
    }
    let count = parts.count == 2 ? Int(parts[1]) : number("SLURM_ARRAY_TASK_COUNT")
    guard parts.count == 1 || parts.count == 2 && count != nil else { throw .bad(words) }
    let place =
      number("JOB_COMPLETION_INDEX").map { $0 + 1 }
      ?? number("SLURM_ARRAY_TASK_ID").map { $0 - (number("SLURM_ARRAY_TASK_MIN") ?? 0) + 1 }
    guard let place else { throw .notInAnArray(words) }
    guard let count else { throw .unknownCount(words) }
    guard let shard = Shard(place, of: count) else { throw .bad("\(place)/\(count)") }
    self = shard
  }
}

extension Shard {
  /// Of a shard's files those that aren't there yet.
  ///
  /// - Parameter words: what a file that is there must say of its making to be one of them.
  /// - Throws: `FileError.exists` for another file of that name.
  func toDo<Item>(
    _ items: [Item], path: (Item) -> String, words: (Item) throws -> [(key: String, value: String)]
  ) throws -> [Item] {
    try items.filter { item in
      let path = path(item)
      guard access(path, F_OK) == 0 else { return true }
      let there = try PNG.text(FileBytes.read(path)) ?? []
      guard try words(item).allSatisfy({ word in there.contains { $0 == word } }) else {
        throw FileError.exists(path: path)
      }
      return false
    }
  }

  /// What it has to do.
  func words(_ own: Int, of total: Int, toDo: Int) -> String {
    let done = own - toDo
    return "Shard \(self): \(grouped(own)) of \(counted(total, "picture"))"
      + (done > 0 ? ", \(grouped(done)) of them there already" : "")
  }
}

/// Why a shard can't be taken.
public enum ShardError: Explained, Equatable {
  case bad(String)
  case notInAnArray(String)
  case unknownCount(String)

  public var sentence: String {
    switch self {
    case .bad(let words): "--shard can't be \(words): write which part of how many, from 1/16 to 16/16, or auto."
    case .notInAnArray(let words):
      "--shard \(words) finds neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX: write the part, such as 3/16."
    case .unknownCount(let words):
      "--shard \(words) finds no SLURM_ARRAY_TASK_COUNT: say how many parts there are, such as auto/16."
    }
  }
  public var exit: Exit { .usage }
}
