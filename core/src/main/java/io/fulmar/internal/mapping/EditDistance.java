package io.fulmar.internal.mapping;

import java.util.Locale;

/** How far a name is from another, for advice on misspelt ones. */
public final class EditDistance {
  private EditDistance() {}

  /** How many letters must be added, removed or replaced, whatever their case. */
  public static int between(String one, String other) {
    String a = one.toLowerCase(Locale.ROOT);
    String b = other.toLowerCase(Locale.ROOT);
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = above[0];
      above[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = above[j];
        above[j] = Math.min(replaced, Math.min(above[j], above[j - 1]) + 1);
      }
    }
    return above[b.length()];
  }
}
