import Foundation
import Torch

/// The measured claims of docs/performance.md, against PyTorch on the same machine. Needs only LibTorch; `packing`
/// runs the built `atelier`.
@main
struct Benchmarks {
  static func main() {
    var arguments = Arguments(CommandLine.arguments.dropFirst())
    let name = arguments.next() ?? "help"
    if let threads = arguments.number("threads") { Threads.count = threads }
    switch name {
    case _ where Rate.all[name] != nil:
      let rate = Rate.all[name]!
      if arguments.flag("alone") {
        print(rate.work(arguments).rate())
      } else if arguments.flag("costs") {
        let (operators, things) = rate.work(arguments).costs()
        print(operators.reduce(0) { $0 + $1.flops } / things, operators.reduce(0) { $0 + $1.bytes } / things)
      } else if arguments.flag("profile") {
        Profile(name: name, work: rate.work(arguments)).run(most: arguments.number("most") ?? 30)
      } else {
        Comparison(rate: name, arguments).run()
      }
    case "roofline": Roofline(arguments).run()
    case "large": LargeRate(arguments).run()
    case "prompts": PromptMatch(arguments).run()
    case "start-up": StartUp(arguments).run()
    // What `start-up` starts: the smallest thing that uses LibTorch.
    case "nothing": _ = (Tensor.zeros([1]) + 1).item()
    case "packing": PackingRate(arguments).run()
    case "sets": Sets(arguments).run()
    case "gaussians": Gaussians(arguments).run()
    case "gplvm": PictureMap(arguments).run()
    case "stacked-mnist": StackedDigits(arguments).run()
    case "help", "--help", "-h": print(help)
    default: stop("There is no benchmark '\(name)'. \(help)")
    }
  }

  private static let help = """
    Benchmarks NAME [--threads N] [--rounds N] [--python PATH]

      roofline              all of the next ten and packing beside this processor's peaks and PyTorch: FLOPs, bytes, memory
                            [--keep], in docs/performance  [--only NAME,NAME] [--without-peers]
      dense, dcgan, r3gan   training steps beside the same in PyTorch
      stylegan2, projected, vae, diffusion
                            training steps of random pictures and weights
      denoising             16 pictures of diffusion in 20 steps
      generate              64 pictures of 64 px, beside the same in PyTorch
      style                 steps of an optimised style transfer, beside the same in PyTorch
      instant               pictures of 512 px painted in one pass, beside the same in PyTorch
      large                 a model of SD 1.5's layout with random weights: text, a step, decoding, a LoRA's step, memory,
                            beside diffusers and peft  --model DIR, made by Scripts/peers/large_torch.py make DIR
                            [--size N] [--steps N] [--precision float32|bfloat16] [--without-lora]
      prompts               how often what a model draws is nearest to its own of ten pictures
                            --model FILE --set FILE --captions DIR --features FILE [--rounds N]
      start-up              whole processes that do almost nothing
      packing               a folder of pictures made ready to train on, beside Pillow  [--pictures DIR] [--atelier PATH]
      sets                  looking at 1,000 to 100,000 pictures: seconds and memory
                            [--folder DIR] [--most N] [--atelier PATH]
      gaussians             25 modes in the plane, by r3gan's loss        [--steps N] [--seed N]
      stacked-mnist         1,000 modes of three digits, by r3gan         [--minutes N | --pictures N] [--seed N]
                            [--digits FILE], made by Scripts/digits.py
      gplvm                 whether its map keeps digits of a kind together  [--epochs N] [--digits FILE] [--out FILE]

    Each of these takes --profile for where its time goes, by operators  [--most N].
    Rounds take turns with the peers, so that a busy machine disturbs all alike; the table has medians. PyTorch is that
    of --python, else of .venv.
    """
}

/// Prints a line at once, in a file too.
func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// Ends with a sentence.
func stop(_ sentence: String) -> Never {
  FileHandle.standardError.write(Data((sentence + "\n").utf8))
  exit(64)
}

/// Words after the benchmark's name: `--key value` and `--flag`.
struct Arguments {
  private var words: [String]
  init(_ words: some Sequence<String>) { self.words = Array(words) }

  /// Takes the first word.
  mutating func next() -> String? { words.isEmpty ? nil : words.removeFirst() }
  func flag(_ name: String) -> Bool { words.contains("--\(name)") }
  func text(_ name: String) -> String? {
    guard let i = words.firstIndex(of: "--\(name)") else { return nil }
    guard i + 1 < words.count else { stop("--\(name) needs a value.") }
    return words[i + 1]
  }
  func number(_ name: String) -> Int? {
    text(name).map { word in
      guard let value = Int(word), value >= 0 else { stop("--\(name) needs a number, not '\(word)'.") }
      return value
    }
  }
}

/// Columns that line up, the first to the left.
func printTable(_ rows: [[String]]) {
  let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
  for row in rows {
    let cells = zip(row, widths).enumerated().map { i, cell in
      let space = String(repeating: " ", count: cell.1 - cell.0.count)
      return i == 0 ? cell.0 + space : space + cell.0
    }
    print(cells.joined(separator: "  "))
  }
}

func formatted(_ value: Double, digits: Int = 1) -> String { String(format: "%.\(digits)f", value) }

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// Seconds that a body takes.
func seconds(_ body: () -> Void) -> Double {
  let start = ContinuousClock.now
  body()
  let taken = ContinuousClock.now - start
  return Double(taken.components.seconds) + Double(taken.components.attoseconds) * 1e-18
}
