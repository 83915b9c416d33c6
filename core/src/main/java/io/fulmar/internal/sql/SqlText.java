package io.fulmar.internal.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text in SQL, taken apart as far as its constants and comments (PostgreSQL manual, 4.1), to
 * speak about it without showing what it holds. Nothing depends on it that must be right: where a
 * backslash could end a constant or not, all that follows counts as constant. Immutable.
 */
public final class SqlText {
  /** What stands for a constant or a comment. */
  private static final char HIDDEN = '?';

  private static final Pattern DOLLAR_QUOTE =
      Pattern.compile("\\$(?:[A-Za-z_\\x80-\\uFFFF][A-Za-z0-9_\\x80-\\uFFFF]*+)?\\$");
  private static final String NAMES =
      "((?:%1$s)(?:\\s*+\\.\\s*+(?:%1$s))*+)"
          .formatted(
              "\"(?:[^\"]|\"\"){1,63}+\"|(?<![A-Za-z0-9_$\\x80-\\uFFFF])"
                  + "[A-Za-z_\\x80-\\uFFFF][A-Za-z0-9_$\\x80-\\uFFFF]{0,62}+");
  private static final Pattern DOTTED = Pattern.compile(NAMES);
  private static final Pattern CALL = Pattern.compile(NAMES + "\\s*+\\(");

  private static final Pattern TABLE =
      Pattern.compile("(?i)\\b(?:from|join|table|only)\\s++" + NAMES);

  /** All columns of something, unlike {@code count(*)} and a multiplication. */
  private static final Pattern STAR =
      Pattern.compile("(?i)(?:\\bselect|\\bdistinct|\\ball|[.,])\\s*+\\*|^\\s*+table\\b");

  private static final Pattern NAME = Pattern.compile("\"((?:[^\"]|\"\")++)\"|([^\\s.\"]++)");

  private final String text;

  /** For each character: 0 shown, 1 hidden, 2 the first that is hidden. */
  private final byte[] hidden;

  private SqlText(String text) {
    this.text = text;
    this.hidden = new byte[text.length()];
  }

  /** Takes a text apart. */
  public static SqlText of(String text) {
    SqlText result = new SqlText(text);
    int at = 0;
    while (at < text.length()) {
      at = result.token(at);
    }
    return result;
  }

  /** A call of a function, as it is written. */
  public record Call(int at, List<String> name) {
    /** Copies the list. */
    public Call {
      name = List.copyOf(name);
    }
  }

  /**
   * Names in front of parentheses, in the order of the text: functions, and some that are none.
   * Names without quotes are folded to lower case.
   */
  public List<Call> calls() {
    return found(CALL);
  }

  /**
   * All names, each as the parts between its dots: tables, columns, functions, types, aliases and
   * keywords. Names without quotes are folded to lower case.
   */
  public List<List<String>> names() {
    return found(DOTTED).stream().map(Call::name).toList();
  }

  /** The names that stand where only a table, a view or a function can. */
  public List<List<String>> tables() {
    return found(TABLE).stream().map(Call::name).toList();
  }

  /** Whether all columns of something are asked for. */
  public boolean hasStar() {
    return STAR.matcher(shown()).find();
  }

  /** The text with blanks for what is hidden. */
  private String shown() {
    StringBuilder shown = new StringBuilder(text);
    for (int i = 0; i < hidden.length; i++) {
      if (hidden[i] != 0) {
        shown.setCharAt(i, ' ');
      }
    }
    return shown.toString();
  }

  private List<Call> found(Pattern pattern) {
    List<Call> found = new ArrayList<>();
    Matcher match = pattern.matcher(shown());
    while (match.find()) {
      List<String> name = new ArrayList<>();
      Matcher part = NAME.matcher(match.group(1));
      while (part.find()) {
        name.add(
            part.group(1) != null ? part.group(1).replace("\"\"", "\"") : folded(part.group(2)));
      }
      found.add(new Call(match.start(1), name));
    }
    return found;
  }

  /** As the server folds names: the letters of ASCII. */
  private static String folded(String name) {
    StringBuilder folded = new StringBuilder(name);
    for (int i = 0; i < folded.length(); i++) {
      char c = folded.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        folded.setCharAt(i, (char) (c + 'a' - 'A'));
      }
    }
    return folded.toString();
  }

  /**
   * What stands around a place, in one line, with {@code ?} for constants and comments.
   *
   * @param from where the line begins
   * @param at the place
   * @param to where the line ends
   * @param before most characters before the place
   * @param most most characters
   */
  public String excerpt(int from, int at, int to, int before, int most) {
    StringBuilder shown = new StringBuilder();
    int place = 0;
    for (int i = from; i < to; i++) {
      if (i == at) {
        place = shown.length();
      }
      char c = text.charAt(i);
      if (hidden[i] == 0) {
        shown.append(Character.isISOControl(c) ? ' ' : c);
      } else if (hidden[i] == 2 || i == from) {
        shown.append(HIDDEN);
      }
    }
    int first = whole(shown, Math.max(0, place - before));
    int last = whole(shown, Math.min(shown.length(), first + most));
    while (first > 0 && first < place && shown.charAt(first - 1) != ' ') {
      first++; // not with half a word
    }
    return shown.substring(first, last).strip();
  }

  /** Not between the halves of a character. */
  private static int whole(CharSequence text, int at) {
    return at > 0 && at < text.length() && Character.isLowSurrogate(text.charAt(at)) ? at - 1 : at;
  }

  /** Where the token ends that begins here. */
  private int token(int at) {
    char c = text.charAt(at);
    char next = at + 1 < text.length() ? text.charAt(at + 1) : 0;
    if (c == '-' && next == '-') {
      return hide(at, endOfLine(at));
    } else if (c == '/' && next == '*') {
      return hide(at, endOfComment(at));
    } else if (c == '"') {
      int end = text.indexOf('"', at + 1);
      return end < 0 ? text.length() : end + 1; // of two quotes in a name, the second begins anew
    } else if (c == '\'') {
      return hide(at, endOfPlain(at));
    } else if ((c == 'e' || c == 'E') && next == '\'') {
      return hide(at, endOfEscaped(at + 1));
    } else if (c == '$') {
      return dollar(at);
    } else if (Character.isDigit(c) || (c == '.' && Character.isDigit(next))) {
      int end = at + 1;
      while (end < text.length() && (isOfName(text.charAt(end)) || text.charAt(end) == '.')) {
        end++;
      }
      return hide(at, end);
    } else if (isOfName(c)) {
      int end = at + 1;
      while (end < text.length() && isOfName(text.charAt(end))) {
        end++;
      }
      return end;
    }
    return at + 1;
  }

  private static boolean isOfName(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '_'
        || c == '$'
        || c >= 0x80;
  }

  private int hide(int from, int to) {
    for (int i = from; i < to; i++) {
      hidden[i] = 1;
    }
    hidden[from] = 2;
    return to;
  }

  private int endOfLine(int at) {
    int end = at;
    while (end < text.length() && text.charAt(end) != '\n' && text.charAt(end) != '\r') {
      end++;
    }
    return end;
  }

  private int endOfComment(int at) {
    int depth = 0;
    for (int i = at; i + 1 < text.length(); i++) {
      if (text.charAt(i) == '/' && text.charAt(i + 1) == '*') {
        depth++;
        i++;
      } else if (text.charAt(i) == '*' && text.charAt(i + 1) == '/') {
        depth--;
        i++;
        if (depth == 0) {
          return i + 1;
        }
      }
    }
    return text.length();
  }

  private int endOfPlain(int at) {
    int end = text.indexOf('\'', at + 1);
    boolean unclear = end > 0 && text.charAt(end - 1) == '\\';
    return end < 0 || unclear ? text.length() : end + 1;
  }

  private int endOfEscaped(int quote) {
    for (int i = quote + 1; i < text.length(); i++) {
      if (text.charAt(i) == '\\') {
        i++;
      } else if (text.charAt(i) == '\'') {
        return i + 1;
      }
    }
    return text.length();
  }

  private int dollar(int at) {
    Matcher tag = DOLLAR_QUOTE.matcher(text).region(at, text.length());
    if (!tag.lookingAt()) {
      return at + 1;
    }
    int end = text.indexOf(tag.group(), tag.end());
    return hide(at, end < 0 ? text.length() : end + tag.group().length());
  }
}
