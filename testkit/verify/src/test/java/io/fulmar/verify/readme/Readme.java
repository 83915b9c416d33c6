package io.fulmar.verify.readme;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** README.md and the sources that it quotes, as a test reads them. */
final class Readme {
  private static final Path ROOT = root();
  private static final Pattern FENCE = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");

  private Readme() {}

  /** The folder with the pom.xml of all modules, wherever in the project the test was started. */
  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("README.md"))) {
      folder = folder.getParent();
    }
    if (folder == null) {
      throw new IllegalStateException("there is no README.md above the working directory");
    }
    return folder;
  }

  static Path file(String path) {
    return ROOT.resolve(path);
  }

  static String text() {
    return read("README.md");
  }

  static String read(String path) {
    try {
      return Files.readString(file(path)).replace("\r\n", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The version of this build. */
  static String version() {
    return Pattern.compile("<revision>([^<]+)</revision>")
        .matcher(read("pom.xml"))
        .results()
        .findFirst()
        .map(revision -> revision.group(1))
        .orElseThrow();
  }

  /** The contents of the fenced blocks of one language, in order; "" for those without one. */
  static List<String> blocks(String language) {
    return FENCE
        .matcher(text())
        .results()
        .filter(block -> block.group(1).equals(language))
        .map(block -> block.group(2))
        .toList();
  }

  /** What stands between two comments of a source file. */
  static String marked(String className) {
    return marked("main", className);
  }

  /** What stands between two comments of the source file of a test. */
  static String markedTest(String className) {
    return marked("test", className);
  }

  private static String marked(String tree, String className) {
    return markedIn(
        "testkit/verify/src/%s/java/%s.java".formatted(tree, className.replace('.', '/')));
  }

  /** What stands between two comments of a source file, by its path in the project. */
  static String markedIn(String path) {
    String source = read(path);
    return Pattern.compile("(?s)// begin README\\n(.*?)// end README")
        .matcher(source)
        .results()
        .findFirst()
        .map(MatchResult::group)
        .orElseThrow()
        .replaceAll("// (begin|end) README", "");
  }

  /** Code without its line breaks and indentation: the README breaks lines where it is narrow. */
  static String tokens(String code) {
    return code.replaceAll("\\s+", "").strip();
  }
}
