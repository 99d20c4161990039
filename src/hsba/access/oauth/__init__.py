"""Programs: registered apps and services, what they are let in for (scopes), their codes, tokens and signing keys.

What a token lets through wraps the policy of the account behind it, and never widens it.
"""
