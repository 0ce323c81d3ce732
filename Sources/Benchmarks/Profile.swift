import Torch

/// Where a step's time goes, by operators.
struct Profile {
  let name: String
  let work: Work

  func run(most: Int) {
    let plain = work.rate()
    let (operators, things) = work.costs()
    let watched = operators.reduce(0) { $0 + $1.seconds }
    let calls = operators.reduce(0) { $0 + $1.calls }
    print(
      "\(name): \(formatted(plain)) a second; of \(formatted(things, digits: 0)) things, watched: \(formatted(1000 * watched)) ms, unwatched "
        + "\(formatted(1000 * things / plain)) ms, \(calls) calls of operators")
    printTable(
      [["operator", "ms", "share", "calls", "µs a call", "GFLOP", "GFLOP/s", "GB", "GB/s"]]
        + operators.prefix(most).map { cost in
          [
            cost.name, formatted(1000 * cost.seconds, digits: 2),
            formatted(100 * cost.seconds / watched) + " %", "\(cost.calls)",
            formatted(1e6 * cost.seconds / Double(cost.calls)), formatted(cost.flops / 1e9, digits: 2),
            formatted(cost.flops / cost.seconds / 1e9), formatted(cost.bytes / 1e9, digits: 3),
            formatted(cost.bytes / cost.seconds / 1e9),
          ]
        })
  }
}
