import Foundation
import Media

extension Demo {
  /// A part of the page.
  private struct Part {
    let heading: String, words: String, command: String
    /// Files, in rows of so many.
    let pictures: [String], columns: Int
    /// Shown in a browser in place of the pictures.
    var film: String?
  }

  private var parts: [Part] {
    var parts: [Part] = []
    if !pictures.isEmpty {
      parts.append(
        Part(
          heading: "Made up by the bundled generator",
          words: "A GAN of 3.6 MB, trained on two cores in an hour. Its pictures have 64 px; "
            + (enlarging == nil ? "here" : "super-resolution made them four times as large, and here")
            + " are \(pictures.count) that were chosen by hand from 320.",
          command: "atelier generate emoji --seeds 0-319 --enlarge 4 --grid --out pictures", pictures: pictures,
          columns: 8))
    }
    if let map, let training {
      parts.append(
        Part(
          heading: "Your own generator",
          words:
            "Trained on this machine in \(counted(Int(training.seconds.rounded()), "second")), on 56 faces: a Gaussian process "
            + "latent variable model. This map is all that it can make; the faces between those it learned are new.",
          command: "atelier train PICTURES --recipe \(RecipesThat.drawMaps ?? "") --minutes 1", pictures: [map],
          columns: 1))
    }
    if let painting {
      parts.append(
        Part(
          heading: "A photograph, painted", words: "The photograph, the painting whose style it takes, and the result.",
          command:
            "atelier restyle photograph.jpg --style style.jpg --size 640 --steps 8 --style-scale 1.6 --out painted.png",
          pictures: [photograph, style, painting], columns: 3))
    }
    if let film, let frames {
      parts.append(
        Part(
          heading: "A film that loops",
          words: "A walk through the bundled generator's latent space, by way of six of its pictures.",
          command: "atelier film emoji --seeds \(Self.keys.map(String.init).joined(separator: ",")) --ease smooth "
            + "--enlarge 4 --out film.webp", pictures: [frames], columns: 1, film: film))
    }
    return parts
  }

  private func relative(_ path: String) -> String { String(path.dropFirst(folder.count + 1)) }

  var html: String {
    let sections = parts.map { part in
      let shown = (part.film.map { [$0] } ?? part.pictures).map {
        "<img src=\"\(relative($0))\" alt=\"\(part.heading)\">"
      }
      let style = part.film == nil ? "grid-template-columns: repeat(\(part.columns), 1fr)" : "max-width: 512px"
      return """
        <section>
        <h2>\(part.heading)</h2>
        <p>\(part.words)</p>
        <div style="\(style)">
        \(shown.joined(separator: "\n"))
        </div>
        <pre>\(part.command)</pre>
        </section>
        """
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>Atelier</title>
      <style>
      body { max-width: 1100px; margin: 3em auto; padding: 0 1em; font: 17px/1.5 sans-serif; color: #222; background: #fff }
      h1, h2 { font-weight: normal; margin-bottom: 0.3em }
      section { margin: 3.5em 0 }
      div { display: grid; gap: 10px; align-items: center; margin: 1em auto }
      img { width: 100%; display: block }
      pre { background: #f3f3f3; padding: 0.7em 1em; overflow-x: auto; font-size: 14px }
      </style>
      <h1>Atelier</h1>
      <p>All of this was made on this machine, just now.</p>
      \(sections.joined(separator: "\n"))
      </html>

      """
  }

  /// The page as a picture: each part's heading, and its pictures.
  func drawn() throws -> Picture {
    let width = 1240, margin = 40, gap = 8
    var pieces: [(picture: Picture, x: Int, y: Int)] = []
    var top = margin
    for part in parts {
      if let heading = Picture(words: part.heading, size: 26) {
        pieces.append((heading, margin, top))
        top += heading.height + 16
      }
      let cell = (width - 2 * margin - (part.columns - 1) * gap) / part.columns
      for start in stride(from: 0, to: part.pictures.count, by: part.columns) {
        var tallest = 0
        for (column, path) in part.pictures[start...].prefix(part.columns).enumerated() {
          let picture = try Picture.load(path)
          // A single one is as large as it is, where it fits.
          let scale = min(1, Double(cell) / Double(picture.width), 900 / Double(picture.height))
          let size = [picture.width, picture.height].map { max(1, Int((Double($0) * scale).rounded())) }
          let fitted = picture.resampled(width: size[0], height: size[1])
          pieces.append((fitted, margin + column * (cell + gap) + (cell - size[0]) / 2, top))
          tallest = max(tallest, size[1])
        }
        top += tallest + gap
      }
      top += margin
    }
    var bytes = [UInt8](repeating: 255, count: width * top * 3)
    for (picture, left, top) in pieces {
      let visible = min(picture.width, width - left)
      for row in 0..<picture.height {
        for column in 0..<visible {
          let from = (row * picture.width + column) * picture.channels, to = ((top + row) * width + left + column) * 3
          for c in 0..<3 { bytes[to + c] = picture.bytes[picture.channels == 1 ? from : from + c] }
        }
      }
    }
    return Picture(width: width, height: top, channels: 3, bytes: bytes)
  }
}
