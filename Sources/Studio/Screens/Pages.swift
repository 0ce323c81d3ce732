import Files
import Foundation
import Hummingbird
import Mustache

/// The languages that the studio speaks, each by its own name.
enum Language: String, CaseIterable, Sendable {
  case en
  case zh

  var name: String { self == .en ? "English" : "中文" }

  /// As the page's control has set it; else what the browser prefers.
  init(_ request: Request) {
    let accepted = request.headers[.acceptLanguage]?.split(separator: ",").compactMap {
      Language(rawValue: String($0.trimmingPrefix(" ").prefix(2)).lowercased())
    }
    self = request.cookies["language"].flatMap { Language(rawValue: $0.value) } ?? accepted?.first ?? .en
  }
}

/// Templates and words: what a page is made of.
struct Pages: Sendable {
  private let library: MustacheLibrary
  /// By language, then key.
  private let words: [Language: [String: String]]
  private let templated: [Language: [String: String]]
  private let assets: [String: (data: Data, type: String, tag: String)]

  /// The words of the scripts: their keys begin so.
  private static let scripted = "js."

  init() throws {
    guard let folder = Pages.folder else {
      throw FileTrouble.failed(path: "Atelier_Studio.resources", reason: "it isn't beside the program")
    }
    var templates: [String: MustacheTemplate] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/Pages") where name.hasSuffix(".mustache")
    {
      templates[String(name.dropLast(9))] = try MustacheTemplate(
        string: String(contentsOfFile: "\(folder)/Pages/\(name)", encoding: .utf8))
    }
    library = MustacheLibrary(templates: templates)
    let table = FileManager.default.value([String: [String: String]].self, at: folder + "/Pages/strings.json") ?? [:]
    words = Dictionary(
      uniqueKeysWithValues: Language.allCases.map { language in
        (language, table.compactMapValues { $0[language.rawValue] ?? $0["en"] })
      })
    templated = words.mapValues { table in
      Dictionary(uniqueKeysWithValues: table.map { ($0.key.replacing(".", with: "_"), $0.value) })
    }
    let types = [
      "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
      "png": "image/png",
    ]
    var assets: [String: (Data, String, String)] = [:]
    for path in (FileManager.default.enumerator(atPath: folder + "/Assets")?.allObjects as? [String]) ?? [] {
      guard let type = types[(path as NSString).pathExtension],
        let data = FileManager.default.contents(atPath: "\(folder)/Assets/\(path)")
      else { continue }
      // One folder in addresses: names are different.
      assets[(path as NSString).lastPathComponent] = (data, type, "\"\(data.count)-\(data.hashValue)\"")
    }
    self.assets = assets
  }

  /// Beside the program, where the build puts it.
  private static let folder: String? = {
    let beside = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path ?? "."
    let found = ["atelier_Studio.resources", "atelier_Studio.bundle"].map { "\(beside)/\($0)" }.first {
      access($0 + "/Pages", F_OK) == 0
    }
    return found ?? (access(Bundle.module.bundlePath + "/Pages", F_OK) == 0 ? Bundle.module.bundlePath : nil)
  }()

  func word(_ key: String, _ language: Language) -> String { words[language]?[key] ?? key }

  /// Whether the table has a word.
  func has(_ key: String) -> Bool { words[.en]?[key] != nil }

  /// A part of a page.
  func part(_ name: String, _ values: [String: Any], _ language: Language) throws -> String {
    var values = values
    // A dot in a template goes a level down.
    values["t"] = templated[language]
    guard let text = library.render(values, withTemplate: name) else { throw CallError.unknown("page of that name") }
    return text
  }

  /// A whole page around its part.
  ///
  /// - Parameter place: what is marked in the menu.
  func page(_ name: String, _ place: String, _ values: [String: Any], _ call: Call) throws -> String {
    let theme = call.request.cookies["theme"].map(\.value).flatMap { ["dark", "light"].contains($0) ? $0 : nil }
    return try whole(
      part(name, values, call.language), place,
      title: values["title"] as? String ?? word("page.\(place)", call.language), call.language, theme)
  }

  func problem(_ sentence: String, _ language: Language) throws -> String {
    try whole(part("problem", ["sentence": sentence], language), "", title: "Atelier", language, nil)
  }

  private func whole(_ content: String, _ place: String, title: String, _ language: Language, _ theme: String?) throws
    -> String
  {
    let menu = [
      "start", "train", "generate", "live", "restyle", "edit", "film", "gallery", "queue", "models", "more",
    ].map { name in
      ["name": word("page.\(name)", language), "address": name == "start" ? "/" : "/\(name)", "isHere": name == place]
        as [String: Any]
    }
    let languages = Language.allCases.map {
      ["code": $0.rawValue, "name": $0.name, "isHere": $0 == language] as [String: Any]
    }
    let scripted = (words[language] ?? [:]).filter { $0.key.hasPrefix(Pages.scripted) }.map {
      (String($0.key.dropFirst(3)), JSON.string($0.value))
    }
    let json = JSON.object(Dictionary(uniqueKeysWithValues: scripted)).text.replacing("<", with: "\\u003c")
    return try part(
      "layout",
      [
        "content": content, "title": title, "menu": menu, "languages": languages, "lang": language.rawValue,
        "theme": theme ?? "auto", "strings": json,
      ],
      language)
  }

  func asset(_ name: String, _ request: Request) throws -> Response {
    guard let asset = assets[name] else { throw CallError.unknown("file of that name") }
    if request.headers[.ifNoneMatch] == asset.tag { return Response(status: .notModified, headers: [.eTag: asset.tag]) }
    return Response(
      status: .ok, headers: [.contentType: asset.type, .eTag: asset.tag, .cacheControl: "no-cache"],
      body: .init(byteBuffer: .init(data: asset.data)))
  }
}
