"""What people look at: pages rendered on the server, for schools, trusts and local authorities.

``app`` puts the application together; ``attendance`` holds the pages of that purpose, and another purpose gets a
package beside it. A page reads the published views of its purpose, on behalf of the person who looks at it.
"""
