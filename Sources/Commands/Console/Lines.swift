import Foundation
import Workshop

/// A part of what a person reads at a verb's end.
enum Line {
  case words(String)
  /// A picture's file, shown where the terminal can.
  case picture(String)
}

extension Event.Result {
  /// For people.
  var lines: [Line] {
    switch self {
    case .demo(let made): made.lines
    case .inspect(let found): found.report.map(Line.words) + (found.sheet.map { [.picture($0)] } ?? [])
    case .restyle(let made): made.lines
    case .restyleClip(let made):
      filmLines(made.path, made.frames, made.width, made.height, made.duration, made.isStopped)
    case .film(let made): made.lines
    case .animate(let made): made.lines
    case .inbetween(let made): made.lines
    case .measure(let found): found.lines
    case .measureStyle(let found): found.lines
    case .measureMotion(let found): found.lines
    case .measureFilms(let found): found.lines
    case .measureClip(let found): found.lines
    case .compare(let found): found.lines
    case .project(let found): found.lines
    case .sliders(let found):
      (found.sheet.map { [.picture($0), .words($0)] } ?? [])
        + (found.next.map { [.words("Next: ./\($0)")] } ?? [])
    case .reconstruct(let found): found.lines
    case .attribute(let made): [.picture(made.sheet), .words(made.sheet)]
    case .modelsList, .recipes: []
    case .modelsInstall(let model): [.words(model.path)]
    case .modelsImport(let model):
      [
        .words(
          "\(model.path)  (\(model.architecture), \(model.found)\(model.part.isEmpty ? "" : ", from \(model.part)"))")
      ]
        + (model.otherParts.isEmpty
          ? [] : [.words("  --part takes another: \(model.otherParts.joined(separator: ", "))")])
        + model.passedOver.sorted { $0.key < $1.key }.map { .words("  left out: \($0.key), \($0.value)") }
    case .modelsExport(let model):
      [.words("\(model.path)  (\(model.recipe), \(spoken(bytes: model.bytes)))")]
    case .modelsInspect(let found): found.lines.map(Line.words)
    case .modelsAdd(let model):
      [
        .words("\(model.name): \(model.family), at \(model.path)"),
        .words("Next: ./atelier generate \(model.name) --prompt \"…\" --out pictures"),
      ]
    // The teller's own: they need what was told before.
    case .train, .generate, .enlarge, .vary, .texture, .fill: []
    }
  }
}

/// Of a film of so many seconds.
private func filmLines(
  _ path: String, _ frames: Int, _ width: Int, _ height: Int, _ duration: Double, _ isStopped: Bool
) -> [Line] {
  isStopped
    ? stopped(frames)
    : [.words("\(path): \(counted(frames, "frame")), \(width) × \(height) px, \(spoken(seconds: duration))")]
}

private func stopped(_ frames: Int) -> [Line] {
  [.words("Stopped after \(counted(frames, "frame")). Go on with --resume.")]
}

extension Demonstrated {
  fileprivate var lines: [Line] {
    [
      .picture(sheet),
      .words(
        """

        \(isStopped ? "Stopped. What was made" : "All of it") is on one page: \(page)
        It opens in a browser; \(sheet) is the same as a picture.

        Next:
          ./atelier generate emoji --seeds 0-63 --enlarge 4 --grid --out pictures
          ./atelier inspect YOUR-PICTURES                              # a folder or a zip, 30 pictures or more
          ./atelier train YOUR-PICTURES --minutes 20
        """),
    ]
  }
}

extension Restyled {
  fileprivate var lines: [Line] {
    if isStopped && steps == 0 { return [.words("Stopped: nothing was written.")] }
    let stopped = isStopped ? ", stopped after \(counted(steps, "step"))" : ""
    return [
      .words("\(path): \(width) × \(height) px in \(spoken(seconds: seconds))\(stopped)"), .picture(path),
    ]
  }
}

extension Filmed {
  fileprivate var lines: [Line] {
    let isPreview = codec == "PNG" && path.hasSuffix(".png")
    if isStopped { return isPreview ? [.words("Stopped: nothing was written.")] : stopped(frames) }
    let sound = onsets.map { onsets in
      let beat = tempo.map { ", \(Int($0.rounded())) beats a minute" } ?? ""
      return Line.words("Its sound has \(counted(onsets, "onset"))\(beat).")
    }
    return (sound.map { [$0] } ?? []) + filmLines(path, frames, width, height, duration, false)
      + (isPreview ? [.picture(path)] : [])
  }
}

extension Animated {
  fileprivate var lines: [Line] {
    if isStopped { return stopped(frames) }
    return [
      .words(
        "\(path): \(counted(frames, "frame")), \(width) × \(height) px, in \(spoken(seconds: seconds))")
    ] + (format == "sheet" ? [.picture(path)] : [])
  }
}

extension Inbetweened {
  fileprivate var lines: [Line] {
    if isStopped { return stopped(frames) }
    let over = cuts > 0 ? ", nothing over \(counted(cuts, "cut"))" : ""
    return [
      .words(
        "\(path): \(counted(frames, "frame")) at \(rate) a second, \(counted(drawn, "frame")) drawn\(over), "
          + "\(width) × \(height) px, \(spoken(seconds: duration))")
    ]
  }
}

extension ProjectedSet {
  fileprivate var lines: [Line] {
    var lines: [Line] = sheet.map { [.picture($0), .words($0)] } ?? []
    if pictures > 1, let distance {
      let tuned = tunedDistance.map { ", \(spoken($0)) tuned" } ?? ""
      lines.append(.words("\(counted(pictures, "picture")): mean distance \(spoken(distance)) by styles\(tuned)"))
    }
    if isStopped { lines.append(.words("Stopped after \(counted(pictures, "picture")).")) }
    return lines
  }
}

extension Reconstructed {
  fileprivate var lines: [Line] {
    let structure = structure.map { ", structure \(spoken($0))" } ?? ""
    return [
      .picture(sheet),
      .words(
        "\(counted(pictures, "picture")): \(spoken(psnr)) dB\(structure), sharpness \(spoken(sharpness)) of theirs; \(sheet)"
      ),
    ]
  }
}

extension Compared {
  fileprivate var lines: [Line] {
    let heading = [
      "", "recipe", "KID × 1000", "by VGG16", "precision", "recall", "coverage", "sharpness", "trained", "pictures/s",
      "ms a picture",
    ]
    let table =
      [heading]
      + rows.map { row in
        let found = row.measurement
        let error = found.kidError.map { " ± \(spoken($0))" } ?? ""
        return [
          (row.name as NSString).lastPathComponent, row.recipe, spoken(found.kid) + error,
          found.second.map { spoken($0.kid) + ($0.kidError.map { " ± \(spoken($0))" } ?? "") } ?? "",
          spoken(found.precision), spoken(found.recall), spoken(found.coverage), spoken(found.sharpness),
          "\(spoken(row.minutes)) min",
          spoken(row.picturesPerSecond), found.millisecondsAPicture.map { spoken($0) } ?? "",
        ]
      }
    let first = rows[0].measurement
    // Where none learned by what one network sees, the other needn't look.
    let columns = heading.indices.filter { first.second != nil || heading[$0] != "by VGG16" }
    let widths = columns.map { column in table.map { $0[column].count }.max()! }
    return [
      .words(
        "\(counted(first.samples, "picture")) of each against \(grouped(first.real)) real ones, at \(size) px:")
    ]
      + table.map { row in
        let cells = zip(columns.map { row[$0] }, widths).enumerated().map { i, cell in
          let space = String(repeating: " ", count: cell.1 - cell.0.count)
          return i < 2 ? cell.0 + space : space + cell.0
        }
        return .words("  " + cells.joined(separator: "  "))
      } + [.picture(sheet), .words(sheet)]
  }
}
