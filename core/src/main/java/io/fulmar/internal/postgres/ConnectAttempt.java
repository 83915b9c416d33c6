package io.fulmar.internal.postgres;

import java.util.ArrayList;
import java.util.List;

/**
 * What came about while a connection was being made: evidence of why it failed, where the driver's
 * own error says less. Threadsafe: the driver connects on a thread of its own.
 */
final class ConnectAttempt {
  private final List<Contact> contacts = new ArrayList<>();

  /** The next socket that is made for it. */
  synchronized Contact contact() {
    Contact contact = new Contact();
    contacts.add(contact);
    return contact;
  }

  /** Nothing more is noted. */
  synchronized void end() {
    contacts.forEach(Contact::end);
  }

  /** One for each socket, in their order. */
  synchronized List<Contact> contacts() {
    return List.copyOf(contacts);
  }
}
