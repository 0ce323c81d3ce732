import Files
import Foundation
import Jobs
import Studio

/// The studio's server; with --job, what watches over one job.
@main struct Main {
  static func main() async {
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      if words.count == 4, words[0] == "--job", words[2] == "--atelier" {
        try Supervisor.run(attempt: words[1], program: words[3])
      }
    } catch {
      let refusal = error as? any Refusal
      FileHandle.standardError.write(Data("atelier: \(refusal?.sentence ?? "\(error)")\n".utf8))
      exit(refusal?.exitCode ?? 70)
    }
  }
}
