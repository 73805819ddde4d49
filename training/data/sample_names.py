"""Words for the item titles and user names of the embedded sample.

Each genre has three themes. Each theme is a list of nouns, so a title shows which taste it serves.
"""

from __future__ import annotations

__all__ = ["FIRST_NAMES", "GENRES", "TITLE_PATTERNS"]

TITLE_PATTERNS = ("The {adjective} {noun}", "{adjective} {noun}", "{noun} and {other}")

# genre: (adjectives, (theme, theme, theme)); a theme is a list of related nouns.
GENRES: dict[str, tuple[str, tuple[str, str, str]]] = {
    "noir": (
        "Last Silent Crooked Midnight Borrowed Smoking",
        (
            "Alibi Witness Verdict Confession Testimony Jury",
            "Harbour Pier Fog Lighthouse Ferry Undertow",
            "Revolver Getaway Ransom Heist Informer Blackmail",
        ),
    ),
    "space": (
        "Distant Frozen Seventh Drifting Artificial Lonely",
        (
            "Orbit Airlock Beacon Shuttle Docking Hull",
            "Android Algorithm Memory Replica Circuit Cyborg",
            "Colony Terraformer Exodus Outpost Settler Dome",
        ),
    ),
    "romance": (
        "Unwritten Second Stolen Tender Reckless Paper",
        (
            "Wedding Bride Bouquet Vow Honeymoon Bridesmaid",
            "Letter Postcard Diary Promise Sonnet Envelope",
            "Summer Beach Vineyard Balcony Sunset Lagoon",
        ),
    ),
    "western": (
        "Dusty Lawless Bitter Burning Nameless Forgotten",
        (
            "Sheriff Gunslinger Badge Outlaw Duel Holster",
            "Cattle Ranch Saddle Stampede Lasso Rodeo",
            "Goldmine Railroad Prospector Canyon Dynamite Claim",
        ),
    ),
    "horror": (
        "Hollow Crimson Screaming Buried Pale Whispering",
        (
            "Crypt Coffin Vampire Graveyard Tomb Shroud",
            "Attic Doll Cradle Nursery Lullaby Mirror",
            "Swamp Werewolf Howl Forest Scarecrow Claw",
        ),
    ),
    "fantasy": (
        "Ancient Enchanted Shattered Emerald Cursed Hidden",
        (
            "Dragon Wyvern Egg Flame Scale Lair",
            "Sword Crown Throne Siege Banner Knight",
            "Wizard Spell Rune Potion Grimoire Familiar",
        ),
    ),
    "cooking": (
        "Simple Rustic Spicy Golden Slow Festive",
        (
            "Sourdough Brioche Pretzel Bagel Focaccia Rye",
            "Curry Masala Chutney Dal Biryani Samosa",
            "Chocolate Tart Sorbet Praline Meringue Truffle",
        ),
    ),
    "history": (
        "Fallen Imperial Lost Untold Iron Great",
        (
            "Pharaoh Pyramid Nile Papyrus Sphinx Scribe",
            "Legion Senate Gladiator Aqueduct Consul Forum",
            "Galleon Compass Voyage Armada Spice Mapmaker",
        ),
    ),
    "sports": (
        "Final Unbeaten Rookie Golden Broken Impossible",
        (
            "Goal Penalty Striker Goalkeeper Derby Hattrick",
            "Marathon Sprint Relay Hurdle Starter Finish",
            "Summit Rope Ridge Basecamp Glacier Avalanche",
        ),
    ),
    "comedy": (
        "Awkward Accidental Clumsy Terrible Cheerful Missing",
        (
            "Office Intern Printer Meeting Manager Stapler",
            "Neighbour Barbecue Lawnmower Fence Hedge Gnome",
            "Roommate Landlord Sofa Fridge Party Lease",
        ),
    ),
    "nature": (
        "Wild Secret Tiny Northern Patient Vanishing",
        (
            "Whale Reef Dolphin Tide Octopus Kelp",
            "Owl Falcon Nest Feather Swallow Heron",
            "Orchid Moss Meadow Seed Fern Orchard",
        ),
    ),
    "music": (
        "Electric Broken Velvet Acoustic Endless Restless",
        (
            "Guitar Amplifier Riff Encore Drummer Roadie",
            "Violin Sonata Conductor Cello Overture Quartet",
            "Saxophone Trumpet Swing Blues Ballroom Improviser",
        ),
    ),
}

FIRST_NAMES = (
    "ada alan alma amir anya arlo asha axel beth boris cara chen clara dara dmitri edith elif "
    "emil esra eva farah felix fatima george grace hana hugo ida igor ines isaac ivy jonas june "
    "kaito karin kofi lars leila lena leo lin lucia luis mabel maria mateo mei milo mina nadia "
    "nils noor olga omar otto pablo petra priya quinn rafael rosa ruth sami selma signe tariq tess "
    "theo uma vera viktor wanda wei xenia yara yusuf zara zoe"
)
